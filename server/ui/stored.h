/* stored.h - a file that the assembler carries into the binary, as it is and gzipped: the build
 * makes build/<variant>/gen/<file> and <file>.gz of it. Knows nothing else. */
#ifndef UI_STORED_H
#define UI_STORED_H

struct stored {
    const char *bytes, *last;     /* up to last, which is no part of it */
    const char *gzip, *gzip_last; /* the same                           */
};

#define STORED_BYTES(name, file)             \
    ".section .rodata\n"                     \
    ".global " name "\n"                     \
    ".hidden " name "\n"                     \
    ".global " name "_last\n"                \
    ".hidden " name "_last\n" name ":\n"     \
    ".incbin \"" file "\"\n" name "_last:\n" \
    ".byte 0\n"                              \
    ".previous\n"

/* At file scope: the file, which STORED(id) is from there on. */
#define STORE(id, file)                                                                           \
    __asm__(STORED_BYTES("axond_stored_" #id, file) STORED_BYTES("axond_gzip_" #id, file ".gz")); \
    extern const char axond_stored_##id[], axond_stored_##id##_last[], axond_gzip_##id[],         \
        axond_gzip_##id##_last[];
#define STORED(id)                                                                           \
    {                                                                                        \
        axond_stored_##id, axond_stored_##id##_last, axond_gzip_##id, axond_gzip_##id##_last \
    }

#endif
