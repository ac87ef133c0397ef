/* test_server_baseline_file.c - the baseline that is in the file is the one in force, in whatever
 * order threads come; the digest of the weights that it is bound to.
 *
 * renameat() is this program's own: the second thread starts when the first one has written its
 * file, and before it has put anything in force. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include "base/sha256.h"
#include "model/digest.h"
#include "models.h"

static struct model *m;
static atomic_int second_tid; /* 0: it has not begun yet; -1: it is done */
static pthread_t second;
static bool waits_for_second;

static void put(uint64_t rows)
{
    struct baseline *b = baseline_create(&m->baseline);
    struct baseline_writer writer;
    struct error error = {0};
    struct buf text;

    buf_init(&text, 0);
    b->rows = rows;
    baseline_writer_init(&writer, b, &text);
    baseline_writer_go_on(&writer, SIZE_MAX);
    ck_assert_int_eq(model_baseline_put(m, b, &options, &text, &error), ERROR_OK);
    buf_fini(&text);
    baseline_unref(b);
}

static void *put_second(void *unused)
{
    (void)unused;
    second_tid = (int)syscall(SYS_gettid);
    put(2);
    second_tid = -1;
    return NULL;
}

/* A thread that waits for a lock is asleep; one that has gone has no state. */
static bool is_asleep(int tid)
{
    char path[64], text[512] = "";
    FILE *file;
    const char *state;

    snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
    file = fopen(path, "r");
    if (!file)
        return false;
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    state = strrchr(text, ')');
    return state && state[1] == ' ' && state[2] == 'S';
}

int renameat(int from, const char *old, int to, const char *new)
{
    int result = (int)syscall(SYS_renameat2, from, old, to, new, 0);

    if (!waits_for_second)
        return result;
    waits_for_second = false;
    pthread_create(&second, NULL, put_second, NULL);
    while (second_tid == 0 || (second_tid > 0 && !is_asleep(second_tid)))
        sched_yield();
    return result;
}

static struct model *model(const char *name)
{
    const struct repository_snapshot *s;

    open_repository();
    s = repository_acquire(repository);
    m = repository_find_version(repository_find(s, name), 0)->model;
    model_ref(m);
    repository_release(repository, s);
    return m;
}

static uint64_t rows_in_file(void)
{
    char path[128], text[64] = "";
    FILE *file;

    snprintf(path, sizeof path, "%s/a/1/baseline.json", root.path);
    file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return strtoull(text + strlen("{\"rows\": "), NULL, 10);
}

START_TEST(the_one_in_the_file_is_the_one_in_force)
{
    struct baseline *b;

    put_config("a", "");
    put_weights("a", 1, 3);
    model("a");
    snprintf(options.models, sizeof options.models, "%s", root.path);
    waits_for_second = true;
    put(1);
    pthread_join(second, NULL);
    b = model_baseline(m);
    ck_assert_uint_eq(b->rows, rows_in_file());
    ck_assert_uint_eq(b->rows, 2);
    baseline_unref(b);
    model_unref(m);
}
END_TEST

/* The digest of m, and how many pieces it took. */
static const char *digest(size_t *pieces)
{
    struct digest d;

    digest_start(&d);
    for (*pieces = 1; digest_advance(&d, m); ++*pieces)
        ;
    return m->baseline.weights_sha256;
}

START_TEST(a_digest_is_of_weights_and_the_biases_that_were_given)
{
    const float numbers[2] = {3, 0};
    char text[SHA256_TEXT + 1];
    struct sha256 sum;
    size_t pieces;

    put_config("a", "");
    put_weights("a", 1, 3);
    model("a");
    ck_assert_str_eq(m->baseline.weights_sha256, ""); /* nobody has asked */
    sha256_init(&sum);
    sha256_add(&sum, numbers, sizeof numbers);
    sha256_end(&sum, text);
    ck_assert_str_eq(digest(&pieces), text);
    model_unref(m);
}
END_TEST

/* Panels of 64 units, the last one narrower; 160 x 2000 + 3 x 160 weights, none of them with a
 * bias. */
START_TEST(a_large_one_comes_in_pieces)
{
    enum { FEATURES = 2000, UNITS = 160, OUTPUTS = 3 };
    static float row[FEATURES];
    char text[SHA256_TEXT + 1];
    struct sha256 sum;
    size_t pieces;

    folder_text(
        &root, "a/config.json",
        "{\"input\": {\"features\": 2000}, \"initializer\": \"he_normal\", \"seed\": 1, "
        "\"layers\": [{\"name\": \"h\", \"units\": 160, \"activation\": \"relu\", \"bias\": null}, "
        "{\"name\": \"y\", \"units\": 3, \"activation\": \"identity\", \"bias\": null}]}");
    folder_text(&root, "a/1/note", "");
    model("a");
    sha256_init(&sum);
    for (size_t u = 0; u < UNITS; u++) {
        axon_mlp_weights(m->mlp, 0, u, 0, FEATURES, row);
        sha256_add(&sum, row, sizeof row);
    }
    for (size_t u = 0; u < OUTPUTS; u++) {
        axon_mlp_weights(m->mlp, 1, u, 0, UNITS, row);
        sha256_add(&sum, row, UNITS * sizeof *row);
    }
    sha256_end(&sum, text);
    ck_assert_str_eq(digest(&pieces), text);
    ck_assert_uint_eq(pieces, 2);
    digest(&pieces);
    ck_assert_uint_eq(pieces, 1); /* it is known */
    model_unref(m);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("baseline_file");

    tcase_set_timeout(tc, 300);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, the_one_in_the_file_is_the_one_in_force);
    tcase_add_test(tc, a_digest_is_of_weights_and_the_biases_that_were_given);
    tcase_add_test(tc, a_large_one_comes_in_pieces);
    return run_suite("baseline_file", tc);
}
