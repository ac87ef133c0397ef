/* hosts.c - the names that the service answers for. */
#include "base/hosts.h"
#include <string.h>
#include <strings.h>
#include "base/ip.h"

struct host {
    const char *name;
    size_t bytes;
};

static bool is_name(struct host host)
{
    for (size_t i = 0; i < host.bytes; i++) {
        char c = host.name[i];
        bool good = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                    c == '-' || c == '_' || c == '.';
        if (!good || (c == '.' && (i == 0 || host.name[i - 1] == '.')))
            return false;
    }
    return host.bytes > 0;
}

static bool is_wildcard(struct host host)
{
    return host.bytes > 2 && host.name[0] == '*' && host.name[1] == '.';
}

static bool as_ip(struct host host, struct ip *ip)
{
    bool brackets = host.bytes > 2 && host.name[0] == '[' && host.name[host.bytes - 1] == ']';

    return brackets ? ip_read(host.name + 1, host.bytes - 2, ip)
                    : ip_read(host.name, host.bytes, ip);
}

/* The next item, *at moved past it and its comma; no bytes at the end. */
static struct host next(const char **at)
{
    struct host item = {.name = *at + strspn(*at, " \t,")};

    item.bytes = strcspn(item.name, " \t,");
    *at = item.name + item.bytes;
    return item;
}

bool hosts_ok(const char *list)
{
    struct host item;
    struct ip ip;

    while ((item = next(&list)).bytes > 0) {
        struct host below = {item.name + 2, item.bytes - 2};
        if (!as_ip(item, &ip) && !is_name(is_wildcard(item) ? below : item))
            return false;
    }
    return true;
}

static bool matches(struct host item, struct host host)
{
    struct ip a, b;

    if (as_ip(item, &a))
        return as_ip(host, &b) && ip_same(&a, &b);
    if (is_wildcard(item)) {
        item = (struct host){item.name + 1, item.bytes - 1};
        if (host.bytes <= item.bytes)
            return false;
        host.name += host.bytes - item.bytes;
        host.bytes = item.bytes;
    }
    return host.bytes == item.bytes && strncasecmp(host.name, item.name, host.bytes) == 0;
}

bool hosts_hold(const char *list, const char *authority)
{
    struct host item, host = {.name = authority};
    const char *port;

    if (!authority)
        return false;
    host.bytes = authority[0] == '[' ? strcspn(authority, "]") + 1 : strcspn(authority, ":");
    if (host.bytes > strlen(authority))
        return false;
    port = authority + host.bytes;
    if (*port && (*port != ':' || port[1 + strspn(port + 1, "0123456789")]))
        return false;
    if (host.bytes > 1 && host.name[host.bytes - 1] == '.')
        host.bytes--;
    while ((item = next(&list)).bytes > 0)
        if (matches(item, host))
            return true;
    return false;
}
