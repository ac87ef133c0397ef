/* tests/oracle/records.c - see records.h. A case begins at its line and ends where the next one
 * begins, which is read twice: the reader keeps no state but the file's position. */
#include "records.h"
#include <stdlib.h>
#include <string.h>

static void require(int good, const struct record *record, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "golden file, case '%s': %.60s\n", record->name, what);
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

/* "KEY COUNT NUMBER NUMBER ...\n" */
static void read_array(struct record *record, const char *line)
{
    struct record_array *array = &record->arrays[record->count];
    size_t length = strcspn(line, " ");
    char *at = NULL, *end;

    require(record->count < RECORD_ARRAYS_MAX && length <= RECORD_NAME_MAX, record, line);
    memcpy(array->key, line, length);
    array->count = strtoul(line + length, &at, 10);
    require(at > line + length && array->count <= 1 << 20, record, line);
    array->values = calloc(array->count + 1, sizeof *array->values);
    array->floats = calloc(array->count + 1, sizeof *array->floats);
    require(array->values && array->floats, record, "out of memory");
    record->count++;
    for (size_t i = 0; i < array->count; i++, at = end) {
        array->values[i] = strtod(at, &end);
        array->floats[i] = (float)array->values[i];
        require(end > at, record, line);
    }
    require(strcmp(at, "\n") == 0, record, line);
}

int record_next(FILE *file, struct record *record)
{
    char *line = NULL;
    size_t room = 0;
    long before = ftell(file);

    clear(record);
    for (; getline(&line, &room, file) > 0; before = ftell(file)) {
        if (strncmp(line, "case ", 5) != 0) {
            require(line[0] == '#' || record->name[0] != '\0', record, line);
            if (line[0] != '#')
                read_array(record, line);
        } else if (record->name[0] == '\0') {
            size_t length = strcspn(line + 5, "\n");

            require(length > 0 && length <= RECORD_NAME_MAX, record, line);
            memcpy(record->name, line + 5, length);
        } else {
            require(fseek(file, before, SEEK_SET) == 0, record, "cannot seek");
            break;
        }
    }
    free(line);
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
