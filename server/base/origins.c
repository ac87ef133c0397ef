/* origins.c - see origins.h. */
#include "base/origins.h"
#include <ctype.h>
#include <string.h>
#include "base/hosts.h"

static const struct {
    const char *text, *port; /* that no browser writes */
} schemes[] = {{"http://", ":80"}, {"https://", ":443"}};

/* The rest of the item after its scheme, and *port; NULL if it has none. */
static char *after_scheme(char *item, const char **port)
{
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strncmp(item, schemes[i].text, strlen(schemes[i].text)) == 0) {
            *port = schemes[i].port;
            return item + strlen(schemes[i].text);
        }
    return NULL;
}

/* Up to five digits, and not all zeros. */
static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");

    return digits > 0 && digits <= 5 && !text[digits] && strspn(text, "0") < digits;
}

/* hosts_ok() takes lists and wildcards, too: neither may stand here. */
static bool is_origin(char *item)
{
    const char *default_port;
    char *host = after_scheme(item, &default_port), *port;
    bool good;

    if (!host || strpbrk(host, "*/?#@ \t"))
        return false;
    port = *host == '[' ? strchr(host, ']') : strchr(host, ':');
    if (port && *port == ']')
        port++;
    if (!port || !*port)
        return *host && hosts_ok(host);
    if (*port != ':' || !is_port(port + 1) || strcmp(port, default_port) == 0 || port == host)
        return false;
    *port = '\0';
    good = hosts_ok(host);
    *port = ':';
    return good;
}

static bool take(struct origins *origins, char *item)
{
    if (strcmp(item, "*") == 0)
        return origins->any = true;
    if (origins->count == ORIGINS_MAX || !is_origin(item))
        return false;
    origins->items[origins->count++] = item;
    return true;
}

bool origins_read(const char *list, struct origins *origins)
{
    size_t bytes = strlen(list);
    char *rest = origins->text;

    origins->any = false;
    origins->count = 0;
    if (bytes >= sizeof origins->text)
        return false;
    for (size_t i = 0; i <= bytes; i++)
        origins->text[i] = (char)tolower((unsigned char)list[i]);
    for (char *item; (item = strsep(&rest, " \t,")) != NULL;)
        if (*item && !take(origins, item))
            return false;
    return !origins->any || origins->count == 0;
}

const char *origins_find(const struct origins *origins, const char *origin)
{
    if (origins->any)
        return "*";
    for (size_t i = 0; i < origins->count; i++)
        if (strcmp(origins->items[i], origin) == 0)
            return origins->items[i];
    return NULL;
}
