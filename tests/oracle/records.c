/* tests/oracle/records.c - see records.h. */
#include "records.h"
#include <stdlib.h>
#include <string.h>

static void require(int good, const struct record *record, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "golden file, case '%s': %s\n", record->name, what);
    exit(EXIT_FAILURE);
}

static void clear(struct record *record)
{
    for (size_t i = 0; i < record->count; i++) {
        free(record->arrays[i].values);
        free(record->arrays[i].floats);
    }
    *record = (struct record){.count = 0};
}

static void read_array(FILE *file, struct record *record, const char *key)
{
    struct record_array *array = &record->arrays[record->count];

    require(record->count < RECORD_ARRAYS_MAX, record, "too many arrays");
    snprintf(array->key, sizeof array->key, "%s", key);
    require(fscanf(file, "%zu", &array->count) == 1 && array->count <= 1 << 20, record, key);
    array->values = calloc(array->count + 1, sizeof *array->values);
    array->floats = calloc(array->count + 1, sizeof *array->floats);
    require(array->values && array->floats, record, "out of memory");
    record->count++;
    for (size_t i = 0; i < array->count; i++) {
        require(fscanf(file, "%lf", &array->values[i]) == 1, record, key);
        array->floats[i] = (float)array->values[i];
    }
}

int record_next(FILE *file, struct record *record)
{
    char word[RECORD_NAME_MAX + 1];
    long before;

    clear(record);
    for (;;) {
        before = ftell(file);
        if (fscanf(file, "%79s", word) != 1)
            break;
        if (word[0] == '#') {
            require(fscanf(file, "%*[^\n]") >= 0, record, "comment");
        } else if (strcmp(word, "case") != 0) {
            require(record->name[0] != '\0', record, "an array before the first case");
            read_array(file, record, word);
        } else if (record->name[0] == '\0') {
            require(fscanf(file, "%79s", record->name) == 1, record, "a case without a name");
        } else {
            require(fseek(file, before, SEEK_SET) == 0, record, "cannot seek");
            break;
        }
    }
    return record->name[0] != '\0';
}

const struct record_array *record_find(const struct record *record, const char *key)
{
    for (size_t i = 0; i < record->count; i++)
        if (strcmp(record->arrays[i].key, key) == 0)
            return &record->arrays[i];
    return NULL;
}

const struct record_array *record_get(const struct record *record, const char *key, size_t count)
{
    const struct record_array *array = record_find(record, key);

    require(array && array->count == count, record, key);
    return array;
}
