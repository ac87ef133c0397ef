/* test_server_sha256.c - SHA-256 against the examples of FIPS 180-4, and against Python's hashlib
 * at every length around a block's end. */
#include <stdio.h>
#include <string.h>
#include "base/sha256.h"
#include "suite.h"

static const char *digest(const void *bytes, size_t count, size_t piece)
{
    static char text[SHA256_TEXT + 1];
    struct sha256 s;

    sha256_init(&s);
    for (size_t at = 0; at < count; at += piece)
        sha256_add(&s, (const char *)bytes + at, count - at < piece ? count - at : piece);
    sha256_end(&s, text);
    return text;
}

START_TEST(the_standards_examples)
{
    static const char
        *const two_blocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";

    ck_assert_str_eq(digest("", 0, 1),
                     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    ck_assert_str_eq(digest("abc", 3, 3),
                     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    ck_assert_str_eq(digest(two_blocks, strlen(two_blocks), 7),
                     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}
END_TEST

/* hashlib.sha256(b"".join(hashlib.sha256(bytes(i % 251 for i in range(n))).digest() for n in
 * range(300))).hexdigest() */
START_TEST(every_length_in_pieces_of_every_size)
{
    unsigned char bytes[300], all[300 * SHA256_TEXT / 2];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i % 251);
    for (size_t piece = 1; piece < 200; piece += 9) {
        for (size_t n = 0; n < 300; n++) {
            const char *text = digest(bytes, n, piece);
            for (size_t i = 0; i < SHA256_TEXT / 2; i++) {
                const char pair[3] = {text[2 * i], text[2 * i + 1]};
                all[n * SHA256_TEXT / 2 + i] = (unsigned char)strtoul(pair, NULL, 16);
            }
        }
        ck_assert_str_eq(digest(all, sizeof all, sizeof all),
                         "fa70b867db0a30acb7218d62945db0df52eb393808b30675ea9aac6b058a9a9d");
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sha256");
    TCase *tc = suite_case(s, "sha256");

    tcase_add_test(tc, the_standards_examples);
    tcase_add_test(tc, every_length_in_pieces_of_every_size);
    return suite_run(s);
}
