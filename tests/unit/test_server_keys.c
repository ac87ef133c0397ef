/* test_server_keys.c - the file of keys, whose a secret is, and the headers that hold one. */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include "folder.h"
#include "keys/credential.h"
#include "keys/keys.h"
#include "starve.h"
#include "suite.h"

#define SALT_A "0000000000000000000000000000000000000000000000000000000000000000"
#define SALT_B "abcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcd"

enum { LINE_MAX_BYTES = 300 };

/* The line of a key, as `axond key` makes it. */
static const char *line_of(enum key_scope scope, const char *name, const char *salt,
                           const char *secret)
{
    static char lines[4][LINE_MAX_BYTES];
    static unsigned next;
    char *line = lines[next++ % 4];
    struct key_owner owner = {.scope = scope};

    snprintf(owner.name, sizeof owner.name, "%s", name);
    ck_assert_int_lt(key_write(line, LINE_MAX_BYTES, &owner, salt, secret, strlen(secret)),
                     LINE_MAX_BYTES);
    return line;
}

static struct key_list *read_text(const char *text, struct error *error)
{
    return key_list_read("keys", text, strlen(text), error);
}

static const struct key_owner *find(const struct key_list *list, const char *secret)
{
    return key_list_find(list, secret, strlen(secret));
}

/* ---- the file ------------------------------------------------------------------------ */

/* printf %s%s SALT secret | sha256sum */
START_TEST(line_is_the_digest_of_salt_and_secret)
{
    ck_assert_str_eq(line_of(KEY_INFER, "alice", SALT_A, "secret"),
                     "infer alice sha256:" SALT_A
                     ":fa5790049a353d9796744fa82b1af7f283ee25b2da46e646ece34e4ac7b187cb\n");
}
END_TEST

START_TEST(comments_blanks_and_line_ends_do_not_matter)
{
    struct error error;
    char text[2000], two[LINE_MAX_BYTES], *hash = two + sizeof "admin root " - 1;
    struct key_list *list;

    snprintf(two, sizeof two, "%s", line_of(KEY_ADMIN, "root", SALT_B, "two"));
    snprintf(text, sizeof text,
             "\xef\xbb\xbf# who may ask\r\n\n\t \n%s  admin\troot\t%.*s # old\r\n",
             line_of(KEY_INFER, "alice", SALT_A, "one"), (int)strcspn(hash, "\n"), hash);
    list = read_text(text, &error);
    ck_assert_msg(list != NULL, "%s", error.detail);
    ck_assert_uint_eq(list->count, 2);
    ck_assert_str_eq(find(list, "one")->name, "alice");
    ck_assert_int_eq(find(list, "one")->scope, KEY_INFER);
    ck_assert_str_eq(find(list, "two")->name, "root");
    ck_assert_int_eq(find(list, "two")->scope, KEY_ADMIN);
    free(list);
}
END_TEST

START_TEST(last_line_needs_no_newline)
{
    struct error error;
    char text[LINE_MAX_BYTES];

    snprintf(text, sizeof text, "%s", line_of(KEY_INFER, "a", SALT_A, "one"));
    *strchr(text, '\n') = '\0';
    struct key_list *list = read_text(text, &error);
    ck_assert_ptr_nonnull(list);
    ck_assert_ptr_nonnull(find(list, "one"));
    free(list);
}
END_TEST

#define HASH "sha256:" SALT_A ":" SALT_B

static const struct {
    const char *text, *message;
} broken[] = {
    {"", "keys: there is no key in it"},
    {"# nothing\n\n", "keys: there is no key in it"},
    {"infer alice\n", "keys:1: expected infer or admin, a name and a hash"},
    {"\n\ninfer alice " HASH " more\n", "keys:3: expected infer or admin, a name and a hash"},
    {"Infer alice " HASH "\n", "keys:1: expected infer or admin"},
    {"root alice " HASH "\n", "keys:1: expected infer or admin"},
    {"axond_secret\n", "keys:1: expected infer or admin"},
    {"infer al/ice " HASH "\n", "keys:1: the name, the second word"},
    {"infer " SALT_A "0 " HASH "\n", "keys:1: the name, the second word"},
    {"infer alice axond_secret\n", "keys:1: the hash, the third word"},
    {"infer alice md5:" SALT_A ":" SALT_B "\n", "keys:1: the hash"},
    {"infer alice sha256:" SALT_A ":" SALT_B "0\n", "keys:1: the hash"},
    {"infer alice sha256:" SALT_A "0" SALT_B "\n", "keys:1: the hash"},
    {"infer alice sha256:0" SALT_A ":" SALT_A "\n", "keys:1: the hash"},
    {"infer alice sha256:" SALT_A
     ":ABCDEFabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcd\n",
     "keys:1: the hash"},
    {"infer a " HASH "\nadmin b " HASH "\n", "keys:2: the key of line 1 again"},
    {"infer\x01"
     "a " HASH "\n",
     "keys:1: a control byte"},
    {"# \x1b[2J\n", "keys:1: a control byte"},
};

/* No message quotes the line: it may be a key in a wrong place. */
START_TEST(broken_file_is_refused_by_its_line_and_not_quoted)
{
    struct error error;

    ck_assert_ptr_null(read_text(broken[_i].text, &error));
    ck_assert_msg(strncmp(error.detail, broken[_i].message, strlen(broken[_i].message)) == 0, "%s",
                  error.detail);
    ck_assert_ptr_null(strstr(error.detail, "secret"));
}
END_TEST

START_TEST(nul_is_a_control_byte)
{
    static const char text[] = "infer a " HASH "\n\0\n";
    struct error error;

    ck_assert_ptr_null(key_list_read("keys", text, sizeof text - 1, &error));
    ck_assert_str_eq(error.detail, "keys:2: a control byte");
}
END_TEST

/* So many keys, of different salts, and all of them found. */
START_TEST(keys_are_bounded_in_number)
{
    static char text[(KEYS_MAX + 1) * LINE_MAX_BYTES];
    struct error error;
    struct key_list *list;
    char *at = text, secret[32], salt[KEY_SALT + 1];
    size_t bytes = 0;

    for (int i = 0; i <= KEYS_MAX; i++) {
        snprintf(salt, sizeof salt, "%064x", (unsigned)i);
        snprintf(secret, sizeof secret, "secret-%d", i);
        if (i == KEYS_MAX)
            bytes = (size_t)(at - text);
        at += snprintf(at, LINE_MAX_BYTES, "%s",
                       line_of(i % 2 ? KEY_ADMIN : KEY_INFER, "k", salt, secret));
    }
    ck_assert_ptr_null(read_text(text, &error));
    ck_assert_str_eq(error.detail, "keys:257: more than 256 keys");
    list = key_list_read("keys", text, bytes, &error);
    ck_assert_ptr_nonnull(list);
    ck_assert_uint_eq(list->count, KEYS_MAX);
    for (int i = 0; i < KEYS_MAX; i++) {
        snprintf(secret, sizeof secret, "secret-%d", i);
        ck_assert_ptr_eq(find(list, secret), &list->keys[i].owner);
    }
    ck_assert_ptr_null(find(list, "secret-256"));
    free(list);
}
END_TEST

/* ---- whose a secret is --------------------------------------------------------------- */

START_TEST(secret_is_found_whole_or_not_at_all)
{
    struct error error;
    char text[2 * LINE_MAX_BYTES], longest[KEY_SECRET_MAX + 1];
    struct key_list *list;

    memset(longest, 'x', KEY_SECRET_MAX);
    longest[KEY_SECRET_MAX] = '\0';
    snprintf(text, sizeof text, "%s%s", line_of(KEY_INFER, "a", SALT_A, "axond_secret"),
             line_of(KEY_ADMIN, "b", SALT_B, longest));
    list = read_text(text, &error);
    ck_assert_ptr_nonnull(list);
    ck_assert_str_eq(find(list, "axond_secret")->name, "a");
    ck_assert_str_eq(find(list, longest)->name, "b");
    for (const char *const *other = (const char *const[]){"", "axond_secre", "axond_secret ",
                                                          "axond_secreT", SALT_A, "a", NULL};
         *other; other++)
        ck_assert_ptr_null(find(list, *other));
    longest[KEY_SECRET_MAX - 1] = 'y';
    ck_assert_ptr_null(find(list, longest));
    free(list);
}
END_TEST

/* While a key is changed, the old and the new one are both the client's. */
START_TEST(client_may_have_two_keys)
{
    struct error error;
    char text[2 * LINE_MAX_BYTES];
    struct key_list *list;

    snprintf(text, sizeof text, "%s%s", line_of(KEY_INFER, "shop", SALT_A, "old"),
             line_of(KEY_INFER, "shop", SALT_A, "new"));
    list = read_text(text, &error);
    ck_assert_ptr_nonnull(list);
    ck_assert_str_eq(find(list, "old")->name, "shop");
    ck_assert_str_eq(find(list, "new")->name, "shop");
    free(list);
}
END_TEST

START_TEST(first_of_two_lines_of_a_secret_holds)
{
    struct error error;
    char text[2 * LINE_MAX_BYTES];
    struct key_list *list;

    snprintf(text, sizeof text, "%s%s", line_of(KEY_INFER, "first", SALT_A, "same"),
             line_of(KEY_ADMIN, "second", SALT_B, "same"));
    list = read_text(text, &error);
    ck_assert_ptr_nonnull(list);
    ck_assert_str_eq(find(list, "same")->name, "first");
    free(list);
}
END_TEST

/* ---- the headers --------------------------------------------------------------------- */

#define LONG_64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define LONGEST LONG_64 LONG_64 LONG_64 LONG_64

static const struct {
    const char *authorization, *x_api_key;
    int kind;
    const char *secret; /* or a part of why */
} headers[] = {
    {NULL, NULL, CREDENTIAL_NONE, NULL},
    {"Bearer k", NULL, CREDENTIAL_ONE, "k"},
    {"bearer k", NULL, CREDENTIAL_ONE, "k"},
    {"BEARER   a.b-c_d~e+f/g==", NULL, CREDENTIAL_ONE, "a.b-c_d~e+f/g=="},
    {NULL, "k", CREDENTIAL_ONE, "k"},
    {"Bearer k", "k", CREDENTIAL_ONE, "k"},
    {"Basic dXNlcjpwYXNz", "k", CREDENTIAL_ONE, "k"},
    {"Bearer " LONGEST, NULL, CREDENTIAL_ONE, LONGEST},
    {"Bearer k", "j", CREDENTIAL_AMBIGUOUS, "different"},
    {"Bearer k", "kk", CREDENTIAL_AMBIGUOUS, "different"},
    {"Bearer k", "", CREDENTIAL_AMBIGUOUS, "different"},
    {"Bearer", "k", CREDENTIAL_AMBIGUOUS, "different"},
    {"Bearer", NULL, CREDENTIAL_MALFORMED, "empty"},
    {"Bearer ", NULL, CREDENTIAL_MALFORMED, "empty"},
    {NULL, "", CREDENTIAL_MALFORMED, "empty"},
    {"", NULL, CREDENTIAL_MALFORMED, "scheme"},
    {"Basic dXNlcjpwYXNz", NULL, CREDENTIAL_MALFORMED, "scheme"},
    {"Bearerk", NULL, CREDENTIAL_MALFORMED, "scheme"},
    {"Bearer\tk", NULL, CREDENTIAL_MALFORMED, "scheme"},
    {"k", NULL, CREDENTIAL_MALFORMED, "scheme"},
    {"Bearer k, Bearer k", NULL, CREDENTIAL_MALFORMED, "blank"},
    {NULL, "k k", CREDENTIAL_MALFORMED, "blank"},
    {NULL, "k\x7f", CREDENTIAL_MALFORMED, "ASCII"},
    {NULL, "k\xc3\xa9", CREDENTIAL_MALFORMED, "ASCII"},
    {NULL, "k\x01", CREDENTIAL_MALFORMED, "byte"},
    {NULL, LONGEST "x", CREDENTIAL_MALFORMED, "longer than the 256 bytes"},
    {"Bearer " LONGEST "x", NULL, CREDENTIAL_MALFORMED, "longer"},
};

START_TEST(credential_is_one_key_or_a_reason)
{
    struct credential c = credential_read(headers[_i].authorization, headers[_i].x_api_key);

    ck_assert_int_eq((int)c.kind, headers[_i].kind);
    if (c.kind == CREDENTIAL_ONE) {
        ck_assert_uint_eq(c.bytes, strlen(headers[_i].secret));
        ck_assert_mem_eq(c.secret, headers[_i].secret, c.bytes);
    } else if (c.kind != CREDENTIAL_NONE) {
        ck_assert_msg(strstr(c.why, headers[_i].secret) != NULL, "%s", c.why);
    }
}
END_TEST

/* ---- the service --------------------------------------------------------------------- */

static struct folder folder;
static char path[128];

static void write_keys(const char *text, mode_t mode)
{
    folder_text(&folder, "keys", text);
    ck_assert_int_eq(chmod(path, mode), 0);
}

static void setup(void)
{
    folder = folder_create();
    snprintf(path, sizeof path, "%s/keys", folder.path);
}

static void teardown(void)
{
    folder_remove(&folder, "");
}

static bool knows(struct keys *keys, const char *secret)
{
    struct key_owner owner;

    return keys_find(keys, secret, strlen(secret), &owner);
}

START_TEST(reload_takes_the_new_keys_or_keeps_the_old_ones)
{
    struct error error;
    struct keys *keys;

    write_keys(line_of(KEY_INFER, "a", SALT_A, "one"), 0600);
    keys = keys_open(path, &error);
    ck_assert_msg(keys != NULL, "%s", error.detail);
    ck_assert(knows(keys, "one"));
    ck_assert_uint_eq(keys_count(keys, KEY_INFER), 1);
    ck_assert_uint_eq(keys_count(keys, KEY_ADMIN), 0);
    write_keys("infer a broken\n", 0600);
    ck_assert_int_ne(keys_reload(keys, &error), ERROR_OK);
    ck_assert_ptr_nonnull(strstr(error.detail, "keys:1: the hash"));
    ck_assert(knows(keys, "one"));
    ck_assert_int_eq(remove(path), 0);
    ck_assert_int_ne(keys_reload(keys, &error), ERROR_OK);
    ck_assert(knows(keys, "one"));
    write_keys(line_of(KEY_ADMIN, "a", SALT_A, "two"), 0600);
    ck_assert_int_eq(keys_reload(keys, &error), ERROR_OK);
    ck_assert(!knows(keys, "one"));
    ck_assert(knows(keys, "two"));
    ck_assert_uint_eq(keys_count(keys, KEY_ADMIN), 1);
    keys_close(keys);
}
END_TEST

static const struct {
    mode_t mode;
    const char *warning;
} modes[] = {
    {0600, ""},
    {0400, ""},
    {0440, ""},
    {0640, ""},
    {0644, "mode 0644: others may read it"},
    {0660, "mode 0660: its group may write it"},
    {0666, "mode 0666: others may write it"},
};

START_TEST(file_that_others_may_use_is_told)
{
    struct error error;
    struct keys *keys;
    char warning[KEYS_WARNING_MAX];

    write_keys(line_of(KEY_INFER, "a", SALT_A, "one"), modes[_i].mode);
    keys = keys_open(path, &error);
    ck_assert_ptr_nonnull(keys);
    keys_warning(keys, warning);
    ck_assert_str_eq(warning, modes[_i].warning);
    keys_close(keys);
}
END_TEST

START_TEST(what_is_no_file_is_refused_and_never_waited_for)
{
    struct error error;
    char text[600000];

    ck_assert_ptr_null(keys_open(path, &error));
    ck_assert_ptr_nonnull(strstr(error.detail, "No such file"));
    ck_assert_ptr_null(keys_open(folder.path, &error));
    ck_assert_ptr_nonnull(strstr(error.detail, "Is a directory"));
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_ptr_null(keys_open(path, &error));
    ck_assert_ptr_nonnull(strstr(error.detail, "Not a regular file"));
    ck_assert_int_eq(remove(path), 0);
    memset(text, '#', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    write_keys(text, 0600);
    ck_assert_ptr_null(keys_open(path, &error));
    ck_assert_ptr_nonnull(strstr(error.detail, "File too large"));
}
END_TEST

START_TEST(without_memory_nothing_changes_and_nothing_stays)
{
    struct error error;
    struct keys *keys, *more = NULL;
    long live;

    if (!STARVE_WORKS)
        return;
    write_keys(line_of(KEY_INFER, "a", SALT_A, "one"), 0600);
    keys = keys_open(path, &error);
    ck_assert_ptr_nonnull(keys);
    live = starve_live;
    for (long n = 1; !more; n++) {
        starve_countdown = n;
        more = keys_open(path, &error);
        starve_countdown = 0;
        ck_assert(more || starve_live == live);
    }
    keys_close(more);
    for (enum error_id id = ERROR_OUT_OF_MEMORY, n = 1; id != ERROR_OK; n++) {
        starve_countdown = n;
        id = keys_reload(keys, &error);
        starve_countdown = 0;
        ck_assert_int_eq(starve_live, live);
        ck_assert(knows(keys, "one"));
    }
    keys_close(keys);
}
END_TEST

static atomic_bool over;

static void *ask(void *keys)
{
    size_t *seen = calloc(1, sizeof *seen);

    while (!atomic_load(&over))
        *seen += knows(keys, "stays");
    return seen;
}

/* Threads ask without a pause, and a reload comes through; a key of both files is known all the
 * while. */
START_TEST(reload_waits_for_no_pause_between_requests)
{
    enum { THREADS = 4, RELOADS = 50 };
    struct error error;
    struct keys *keys;
    pthread_t threads[THREADS];
    char text[2 * LINE_MAX_BYTES];
    void *seen;

    snprintf(text, sizeof text, "%s", line_of(KEY_INFER, "a", SALT_A, "stays"));
    write_keys(text, 0600);
    keys = keys_open(path, &error);
    ck_assert_ptr_nonnull(keys);
    for (int t = 0; t < THREADS; t++)
        ck_assert_int_eq(pthread_create(&threads[t], NULL, ask, keys), 0);
    for (int i = 0; i < RELOADS; i++)
        ck_assert_int_eq(keys_reload(keys, &error), ERROR_OK);
    atomic_store(&over, true);
    for (int t = 0; t < THREADS; t++) {
        ck_assert_int_eq(pthread_join(threads[t], &seen), 0);
        free(seen);
    }
    ck_assert(knows(keys, "stays"));
    keys_close(keys);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keys");
    TCase *tc = suite_case(suite, "list");
    TCase *service = suite_case(suite, "service");

    tcase_add_test(tc, line_is_the_digest_of_salt_and_secret);
    tcase_add_test(tc, comments_blanks_and_line_ends_do_not_matter);
    tcase_add_test(tc, last_line_needs_no_newline);
    tcase_add_loop_test(tc, broken_file_is_refused_by_its_line_and_not_quoted, 0,
                        sizeof broken / sizeof *broken);
    tcase_add_test(tc, nul_is_a_control_byte);
    tcase_add_test(tc, keys_are_bounded_in_number);
    tcase_add_test(tc, secret_is_found_whole_or_not_at_all);
    tcase_add_test(tc, client_may_have_two_keys);
    tcase_add_test(tc, first_of_two_lines_of_a_secret_holds);
    tcase_add_loop_test(tc, credential_is_one_key_or_a_reason, 0, sizeof headers / sizeof *headers);
    tcase_add_checked_fixture(service, setup, teardown);
    tcase_add_test(service, reload_takes_the_new_keys_or_keeps_the_old_ones);
    tcase_add_loop_test(service, file_that_others_may_use_is_told, 0, sizeof modes / sizeof *modes);
    tcase_add_test(service, what_is_no_file_is_refused_and_never_waited_for);
    tcase_add_test(service, without_memory_nothing_changes_and_nothing_stays);
    tcase_add_test(service, reload_waits_for_no_pause_between_requests);
    return suite_run(suite);
}
