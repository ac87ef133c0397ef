/* assets.c - see assets.h. The files are what people read and edit. Knows no HTTP and no API. */
#include "ui/assets.h"
#include <string.h>

#define ASSET(id, file, type) STORE(id, file)
#include "ui/assets.def"
#undef ASSET

static const struct asset assets[] = {
#define ASSET(id, file, type) {file, type, STORED(id)},
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
