/* fuzz_keys.c - libFuzzer entry: any text as a file of keys is refused by a line that is not
 * quoted, or is a list that written down again is the same; and a key that is added to it is known.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "keys/list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KEYS_LINE_MAX = 300 };

static void keys_require(int condition)
{
    if (!condition)
        abort();
}

/* The message is one of ours up to its place, and has nothing of the file in it. */
static void keys_refused(const struct error *error)
{
    static const char *const reasons[] = {
        "there is no key in it", "expected infer or admin, a name",
        "the name, the second",  "the hash, the third",
        "a control byte",        "the key of line",
        "more than 256 keys"};
    const char *at = error->detail + strlen("keys:");

    keys_require(error->id != ERROR_OK && strncmp(error->detail, "keys:", strlen("keys:")) == 0);
    at += strspn(at, "0123456789: ");
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (strncmp(at, reasons[i], strlen(reasons[i])) == 0)
            return;
    abort();
}

static void keys_written(const struct key_list *list)
{
    char *text = malloc(list->count * KEYS_LINE_MAX), *at = text;
    struct error error;
    struct key_list *again;

    keys_require(text != NULL);
    for (size_t i = 0; i < list->count; i++)
        at += snprintf(at, KEYS_LINE_MAX, "%s %s sha256:%.64s:%.64s\n",
                       key_scope_name(list->keys[i].owner.scope), list->keys[i].owner.name,
                       list->keys[i].salt, list->keys[i].digest);
    again = key_list_read("keys", text, (size_t)(at - text), &error);
    keys_require(again && again->count == list->count);
    for (size_t i = 0; i < list->count; i++)
        keys_require(memcmp(again->keys[i].digest, list->keys[i].digest, SHA256_TEXT) == 0 &&
                     memcmp(again->keys[i].salt, list->keys[i].salt, KEY_SALT) == 0 &&
                     strcmp(again->keys[i].owner.name, list->keys[i].owner.name) == 0 &&
                     again->keys[i].owner.scope == list->keys[i].owner.scope);
    free(again);
    free(text);
}

static void keys_added(const uint8_t *data, size_t size, size_t count)
{
    static const char secret[] = "axond_secret",
                      salt[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    const struct key_owner added = {KEY_ADMIN, "added"};
    char *text = malloc(size + 1 + KEYS_LINE_MAX);
    struct error error;
    struct key_list *list;
    const struct key_owner *owner;

    keys_require(text != NULL);
    memcpy(text, data, size);
    text[size] = '\n';
    list = key_list_read(
        "keys", text,
        size + 1 +
            (size_t)key_write(text + size + 1, KEYS_LINE_MAX, &added, salt, secret, strlen(secret)),
        &error);
    if (list) {
        owner = key_list_find(list, secret, strlen(secret));
        keys_require(list->count == count + 1 && owner && strcmp(owner->name, "added") == 0);
    } else {
        keys_refused(&error); /* it was there, or there are too many */
    }
    free(list);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size ? size : 1); /* exactly as long as what the caller promises */
    struct error error = {0};
    struct key_list *list;

    keys_require(text != NULL);
    if (size)
        memcpy(text, data, size);
    list = key_list_read("keys", text, size, &error);
    if (list) {
        keys_require(list->count > 0 && list->count <= KEYS_MAX);
        keys_written(list);
        keys_added(data, size, list->count);
    } else {
        keys_refused(&error);
    }
    free(list);
    free(text);
    return 0;
}
