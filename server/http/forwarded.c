/* forwarded.c - who asked, as the proxies between say.
 *
 * Invariant: a line is read from its beginning, strictly and to its end, before any of it counts: a
 * quote that a client left open must not swallow what a proxy appended. */
#include "http/forwarded.h"
#include <string.h>
#include <strings.h>

enum { HOPS_MAX = 64, NODE_MAX = 80 };

/* Those named by a header, from the client on; the last, if more come than fit. */
struct hops {
    bool named; /* a client was told of, be it as "unknown" */
    size_t count;
    struct hop {
        bool known;
        struct ip ip;
    } items[HOPS_MAX];
};

bool forwarded_find(const char *name, enum forwarded_header *header)
{
    bool is_x = strcasecmp(name, "X-Forwarded-For") == 0;

    *header = is_x ? X_FORWARDED_FOR : FORWARDED;
    return is_x || strcasecmp(name, "Forwarded") == 0;
}

void forwarded_add(struct forwarded *list, const char *line)
{
    if (line[strspn(line, " \t")] == '\0') /* a proxy that had nothing to say */
        return;
    if (list->count == FORWARDED_LINES)
        memmove(list->lines, list->lines + 1, --list->count * sizeof *list->lines);
    list->lines[list->count++] = line;
}

static void add_hop(struct hops *hops, struct hop hop)
{
    if (hops->count == HOPS_MAX)
        memmove(hops->items, hops->items + 1, --hops->count * sizeof *hops->items);
    hops->items[hops->count++] = hop;
}

static bool is_token(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

static size_t token_span(const char *text)
{
    size_t n = 0;

    while (is_token(text[n]))
        n++;
    return n;
}

/* ":8080" or ":_hidden"; nothing is a port as well. */
static bool is_port(const char *text, size_t bytes)
{
    return bytes == 0 || (bytes > 1 && text[0] == ':' && token_span(text + 1) >= bytes - 1);
}

/* "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]:80", "unknown", "_hidden"; bare means that IPv6 may
 * stand without brackets. */
static bool read_node(const char *text, size_t bytes, bool bare, struct hop *hop)
{
    const char *end = memchr(text, ']', bytes);
    size_t address = 0;

    hop->known = true;
    if (bytes > 0 && text[0] == '[')
        return end && ip_read(text + 1, (size_t)(end - text) - 1, &hop->ip) &&
               !ip_is_four(&hop->ip) && is_port(end + 1, bytes - (size_t)(end - text) - 1);
    if (bare && ip_read(text, bytes, &hop->ip))
        return true;
    while (address < bytes && text[address] != ':')
        address++;
    if (!is_port(text + address, bytes - address))
        return false;
    if (ip_read(text, address, &hop->ip))
        return true;
    hop->known = false;
    return (address == strlen("unknown") && strncasecmp(text, "unknown", address) == 0) ||
           (address > 1 && text[0] == '_' && token_span(text) >= address);
}

static bool read_x_forwarded_for(const char *line, struct hops *hops)
{
    struct hop hop = {0};

    for (;;) {
        line += strspn(line, " \t");
        size_t bytes = strcspn(line, ", \t");
        if (!read_node(line, bytes, true, &hop))
            return false;
        hops->named = true;
        add_hop(hops, hop);
        line += bytes;
        line += strspn(line, " \t");
        if (*line == '\0')
            return true;
        if (*line++ != ',')
            return false;
    }
}

/* A token or a quoted string, without its quotes, into value; *at moves past it. */
static bool read_value(const char **at, char value[static NODE_MAX])
{
    const char *text = *at;
    bool quoted = *text == '"';
    size_t n = 0;

    for (text += quoted; quoted ? *text != '"' : is_token(*text); text++) {
        if (quoted && *text == '\\')
            text++;
        if (*text == '\0' || n + 1 == NODE_MAX)
            return false;
        value[n++] = *text;
    }
    value[n] = '\0';
    *at = text + quoted;
    return quoted || n > 0;
}

/* "for=192.0.2.1;proto=http": the pairs of one hop. */
static bool read_element(const char **at, struct hop *hop, bool *named_any)
{
    char value[NODE_MAX];
    bool named = false;

    for (;; ++*at) {
        const char *name = *at;
        size_t bytes = token_span(name);
        if (bytes == 0 || name[bytes] != '=')
            return false;
        *at += bytes + 1;
        if (!read_value(at, value))
            return false;
        if (bytes == strlen("for") && strncasecmp(name, "for", bytes) == 0) {
            if (named || !read_node(value, strlen(value), false, hop))
                return false;
            named = *named_any = true;
        }
        if (**at != ';')
            return true;
    }
}

static bool read_forwarded(const char *line, struct hops *hops)
{
    for (;;) {
        struct hop hop = {0}; /* who names nobody: unknown */
        line += strspn(line, " \t");
        if (!read_element(&line, &hop, &hops->named))
            return false;
        add_hop(hops, hop);
        line += strspn(line, " \t");
        if (*line == '\0')
            return true;
        if (*line++ != ',')
            return false;
    }
}

bool forwarded_client(enum forwarded_header header, const struct forwarded *list,
                      const struct networks *trusted, struct ip *client, bool *says)
{
    struct hops hops = {0};

    *says = false;
    for (size_t i = 0; i < list->count; i++)
        if (!(header == FORWARDED ? read_forwarded : read_x_forwarded_for)(list->lines[i], &hops))
            return false;
    *says = hops.named;
    while (hops.named && hops.count > 0 && hops.items[hops.count - 1].known &&
           networks_hold(trusted, client))
        *client = hops.items[--hops.count].ip;
    return true;
}
