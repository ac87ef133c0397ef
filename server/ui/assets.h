/* assets.h - the files of the page, as the binary carries them. Expanded from assets.def. */
#ifndef UI_ASSETS_H
#define UI_ASSETS_H

#include "ui/stored.h"

struct asset {
    const char *file, *type; /* "index.html", and its Content-Type */
    struct stored stored;
};

/* NULL: there is no such file. Static storage. */
const struct asset *asset_find(const char *file);

#endif
