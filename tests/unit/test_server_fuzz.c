/* test_server_fuzz.c - the fuzz targets of baselines, and of whatever clients send, over their
 * corpora: seeds, and every input that once crashed. Found from the root of the project, where
 * `make test` runs. */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#define LLVMFuzzerTestOneInput fuzz_tensor
#include "../fuzz/fuzz_tensor.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_envelope
#include "../fuzz/fuzz_envelope.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_pieces
#include "../fuzz/fuzz_pieces.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_blobs
#include "../fuzz/fuzz_blobs.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_records
#include "../fuzz/fuzz_records.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_gate
#include "../fuzz/fuzz_gate.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_target
#include "../fuzz/fuzz_target.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_npy
#include "../fuzz/fuzz_npy.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_baseline
#include "../fuzz/fuzz_baseline.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_encoding
#include "../fuzz/fuzz_encoding.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_accept
#include "../fuzz/fuzz_accept.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_forwarded
#include "../fuzz/fuzz_forwarded.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_keys
#include "../fuzz/fuzz_keys.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_credential
#include "../fuzz/fuzz_credential.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_csv
#include "../fuzz/fuzz_csv.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_table
#include "../fuzz/fuzz_table.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_handle
#include "../fuzz/fuzz_handle.c"
#undef LLVMFuzzerTestOneInput
#include "suite.h"

enum { INPUT_MAX = 65536 };

static const struct {
    const char *folder;
    int (*target)(const uint8_t *data, size_t size);
} corpora[] = {
    {"tests/fuzz/corpus/forwarded", fuzz_forwarded},
    {"tests/fuzz/corpus/tensor", fuzz_tensor},
    {"tests/fuzz/corpus/envelope", fuzz_envelope},
    {"tests/fuzz/corpus/pieces", fuzz_pieces},
    {"tests/fuzz/corpus/blobs", fuzz_blobs},
    {"tests/fuzz/corpus/gate", fuzz_gate},
    {"tests/fuzz/corpus/target", fuzz_target},
    {"tests/fuzz/corpus/npy", fuzz_npy},
    {"tests/fuzz/corpus/accept", fuzz_accept},
    {"tests/fuzz/corpus/baseline", fuzz_baseline},
    {"tests/fuzz/corpus/csv", fuzz_csv},
    {"tests/fuzz/corpus/table", fuzz_table},
    {"tests/fuzz/corpus/handle", fuzz_handle},
    {"tests/fuzz/corpus/records", fuzz_records},
    {"tests/fuzz/corpus/keys", fuzz_keys},
    {"tests/fuzz/corpus/credential", fuzz_credential},
};

/* The whole input and each of its prefixes; the target aborts where a rule does not hold. */
static void replay(const char *folder, const char *name,
                   int (*target)(const uint8_t *data, size_t size))
{
    static uint8_t bytes[INPUT_MAX];
    char path[512];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s cannot be read", path);
    size_t n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    ck_assert_uint_lt(n, INPUT_MAX);
    for (size_t prefix = 0; prefix <= n; prefix++)
        ck_assert_int_eq(target(bytes, prefix), 0);
}

START_TEST(every_corpus_input_and_its_prefixes_hold_the_rules)
{
    DIR *folder = opendir(corpora[_i].folder);
    int inputs = 0;

    ck_assert_msg(folder != NULL, "no %s here; run from the project's root", corpora[_i].folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        if (entry->d_name[0] != '.') {
            replay(corpora[_i].folder, entry->d_name, corpora[_i].target);
            inputs++;
        }
    closedir(folder);
    ck_assert_int_ge(inputs, 10);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("fuzz corpora");
    TCase *t = tcase_create("fuzz targets");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, every_corpus_input_and_its_prefixes_hold_the_rules, 0,
                        (int)(sizeof corpora / sizeof *corpora));
    suite_add_tcase(s, t);

    return suite_run(s);
}
