/* assets.c - see assets.h. The files are what people read and edit; the assembler carries them into
 * the binary as they are. Knows no HTTP and no API. */
#include "ui/assets.h"
#include <string.h>

#define ASSET(id, file, type)                    \
    __asm__(".section .rodata\n"                 \
            ".global axond_asset_" #id "\n"      \
            ".hidden axond_asset_" #id "\n"      \
            ".global axond_asset_" #id "_last\n" \
            ".hidden axond_asset_" #id "_last\n" \
            "axond_asset_" #id ":\n"             \
            ".incbin \"server/ui/" file "\"\n"   \
            "axond_asset_" #id "_last:\n"        \
            ".byte 0\n"                          \
            ".previous\n");                      \
    extern const char axond_asset_##id[], axond_asset_##id##_last[];
#include "ui/assets.def"
#undef ASSET

static const struct asset assets[] = {
#define ASSET(id, file, type) {file, type, axond_asset_##id, axond_asset_##id##_last},
#include "ui/assets.def"
#undef ASSET
};

const struct asset *asset_find(const char *file)
{
    for (size_t i = 0; i < sizeof assets / sizeof *assets; i++)
        if (strcmp(assets[i].file, file) == 0)
            return &assets[i];
    return NULL;
}
