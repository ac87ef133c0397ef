/* utf8.c - one character of UTF-8 at a time. Knows nothing else. Invariant: never looks beyond the
 * first byte that does not fit, so a terminating NUL bounds it. */
#include "base/utf8.h"

/* The second byte's range is what keeps out overlong forms, surrogates and all above U+10FFFF
 * (table 3-7 of the Unicode standard). */
static const struct form {
    unsigned char lead_min, lead_max, second_min, second_max, length;
} forms[] = {
    {0x00, 0x7f, 0x00, 0xff, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

static const struct form *form_find(unsigned char lead)
{
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++)
        if (lead >= forms[f].lead_min && lead <= forms[f].lead_max)
            return &forms[f];
    return NULL;
}

size_t utf8_length(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    const struct form *form = form_find(s[0]);

    if (!form)
        return 0;
    if (form->length > 1 && (s[1] < form->second_min || s[1] > form->second_max))
        return 0;
    for (size_t i = 2; i < form->length; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return form->length;
}
