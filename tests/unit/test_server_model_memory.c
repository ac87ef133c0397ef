/* test_server_model_memory.c - every allocation on the way from a folder to a model fails in turn:
 * nothing crashes, nothing leaks, and what served goes on serving.
 *
 * The allocator of the C library is wrapped here, so sanitizer builds, which wrap it themselves,
 * leave this test out. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "base/slot.h"
#include "models.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { WRAPPED = 0 };
static long countdown, live;
#else
enum { WRAPPED = 1 };

static __thread long countdown; /* the allocation that fails; 0: none */
static long live;               /* blocks; atomically, since BLAS has threads */

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t alignment, size_t n);
void __libc_free(void *p);

static bool fails(void)
{
    return countdown > 0 && --countdown == 0;
}

static void *count(void *p)
{
    __atomic_add_fetch(&live, p != NULL, __ATOMIC_RELAXED);
    return p;
}

#pragma GCC visibility push(default) /* for jansson and strdup(), too */
void *malloc(size_t n)
{
    return fails() ? NULL : count(__libc_malloc(n));
}

void *calloc(size_t n, size_t size)
{
    return fails() ? NULL : count(__libc_calloc(n, size));
}

void *realloc(void *p, size_t n)
{
    if (fails())
        return NULL;
    void *grown = __libc_realloc(p, n);
    return p ? grown : count(grown);
}

void *aligned_alloc(size_t alignment, size_t n)
{
    return fails() ? NULL : count(__libc_memalign(alignment, n));
}

void free(void *p)
{
    __atomic_sub_fetch(&live, p != NULL, __ATOMIC_RELAXED);
    __libc_free(p);
}
#pragma GCC visibility pop
#endif

/* Batch normalization, slopes and leftovers by tensor, and findings. */
static void put_norm(void)
{
    static const char tensors[] =
        "{\"0.weight\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]},"
        "\"1.running_mean\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]},"
        "\"1.running_var\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]},"
        "\"slopes\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[12,16]},"
        "\"more\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[16,20]}}";
    static const float numbers[] = {1, 2, 3, 4, 5};
    size_t len;
    unsigned char *file = safetensors_make(tensors, numbers, sizeof numbers, &len);

    folder_write(&root, "b/1/model.safetensors", file, len);
    free(file);
    folder_text(&root, "b/config.json",
                "{\"input\": {\"features\": 1}, \"layers\": [{\"name\": \"0\", \"units\": 1, "
                "\"activation\": \"identity\", \"bias\": null}, {\"name\": \"1\", \"type\": "
                "\"batch_norm\", \"bias\": [1], \"activation\": {\"name\": \"prelu\", \"alpha\": "
                "\"slopes\"}}], \"ignore_tensors\": [\"more\", \"none\"], \"labels\": {\"x\": 9}}");
}

static void put_everything(void)
{
    put_norm();
    put_config("m", ", \"output\": {\"labels\": [\"yes\"]}, \"labels\": {\"stable\": 1}");
    put_weights("m", 1, 1);
    put_weights("m", 2, 2);
    folder_text(&root, "m/2/golden.json", "{\"instances\": [[3]], \"predictions\": [[6]]}");
    folder_text(&root, "n/config.json",
                "{\"input\": {\"features\": 2, \"scale\": [1, 2]}, \"initializer\": "
                "\"he_normal\", \"layers\": [{\"units\": 2, \"activation\": {\"name\": \"prelu\", "
                "\"alpha\": [0, 1]}}, {\"units\": 1, \"activation\": \"relu\", \"weight\": "
                "[[1, 1]], \"bias\": [1]}]}");
}

START_TEST(an_open_without_memory_fails_or_lists_failures)
{
    struct error error = {0};
    long n = 0;

    put_everything();
    repository_close(repository_open(root.path, &options, NULL, &failed, &error)); /* warm */
    for (bool done = false; !done;) {
        long before = live;
        countdown = ++n;
        struct repository *r = repository_open(root.path, &options, NULL, &failed, &error);
        done = countdown > 0 || !WRAPPED;
        countdown = 0;
        bool opened = r != NULL;
        repository_close(r);
        long after = live; /* now, since libcheck's assertions allocate */
        if (done)
            ck_assert_uint_eq(failed, 0);
        else if (!opened)
            ck_assert_str_ne(error.detail, "");
        ck_assert_msg(after == before, "allocation %ld: %ld blocks leak", n, after - before);
    }
    ck_assert_msg(!WRAPPED || n > 60, "only %ld allocations", n);
}
END_TEST

START_TEST(a_reload_without_memory_leaves_what_serves)
{
    put_config("m", "");
    put_weights("m", 1, 1);
    open_repository();
    ck_assert(ask("m", 0) == 1); /* and this thread has its scratch and counters */
    long n = 0;
    for (bool done = false; !done;) {
        folder_remove(&root, "m/1");
        put_weights("m", 1, (float)(n % 7 + 2));
        float before = ask("m", 0);
        countdown = ++n;
        int result = repository_reload(repository, NULL);
        done = countdown > 0 || !WRAPPED;
        countdown = 0;
        float after = ask("m", 0);
        if (result != 0)
            ck_assert_msg(after == before, "allocation %ld: %f, before %f", n, (double)after,
                          (double)before);
        else
            ck_assert(after == (float)((n - 1) % 7 + 2));
        ck_assert(!done || result == 0);
    }
    ck_assert_msg(!WRAPPED || n > 20, "only %ld allocations", n);
}
END_TEST

START_TEST(a_prediction_needs_memory_for_its_scratch_and_tally_only)
{
    float x = 1, y;
    int refused = 0, served = 0;
    bool done = false;

    folder_text(&root, "m/config.json",
                "{\"input\": {\"features\": 1}, \"layers\": [{\"units\": 1, \"activation\": "
                "\"relu\", \"weight\": [[1]]}, {\"units\": 1, \"activation\": \"relu\", "
                "\"weight\": [[1]]}]}");
    for (long n = 1; !done; n++) {
        repository_close(repository); /* a model that nothing was counted for, each time */
        open_repository();
        const struct repository_snapshot *s = repository_acquire(repository);
        struct model *m = repository_find(s, "m")->versions[0].model;
        void *spare = slot_take(model_tally_bytes(m)); /* a thread's first tally is allocated */
        countdown = n;
        int result = serve_rows(m, &x, 1, &y);
        done = countdown > 0 || !WRAPPED;
        countdown = 0;
        refused += result != 0;
        served += result == 0 && !done;
        slot_give(spare, model_tally_bytes(m));
        ck_assert_msg(result == 0 ? y == 1 : !done, "allocation %ld: %d", n, result);
        repository_release(repository, s);
    }
    ck_assert_int_eq(refused, 2 * WRAPPED);
    ck_assert_msg(!WRAPPED || served >= 3, "only %d served without counters", served);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("memory");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, an_open_without_memory_fails_or_lists_failures);
    tcase_add_test(tc, a_reload_without_memory_leaves_what_serves);
    tcase_add_test(tc, a_prediction_needs_memory_for_its_scratch_and_tally_only);
    return run_suite("model_memory", tc);
}
