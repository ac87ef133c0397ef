/* ip.c - addresses and networks as numbers. */
#include "base/ip.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

enum { FOUR_AT = 12, BITS = 128, FOUR_BITS = 32 };

static const unsigned char four_prefix[FOUR_AT] = {[10] = 0xff, [11] = 0xff};

static void set_four(struct ip *ip, const void *four)
{
    memcpy(ip->bytes, four_prefix, FOUR_AT);
    memcpy(ip->bytes + FOUR_AT, four, sizeof ip->bytes - FOUR_AT);
}

bool ip_read(const char *text, size_t bytes, struct ip *ip)
{
    char copy[IP_TEXT_MAX];
    struct in_addr four;

    if (bytes == 0 || bytes >= sizeof copy || memchr(text, '\0', bytes))
        return false;
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    if (inet_pton(AF_INET, copy, &four) != 1)
        return inet_pton(AF_INET6, copy, ip->bytes) == 1;
    set_four(ip, &four);
    return true;
}

bool ip_of_socket(const struct sockaddr *address, struct ip *ip)
{
    struct sockaddr_in four;
    struct sockaddr_in6 six;

    if (address && address->sa_family == AF_INET) {
        memcpy(&four, address, sizeof four);
        set_four(ip, &four.sin_addr);
        return true;
    }
    if (!address || address->sa_family != AF_INET6)
        return false;
    memcpy(&six, address, sizeof six);
    memcpy(ip->bytes, six.sin6_addr.s6_addr, sizeof ip->bytes);
    return true;
}

bool ip_is_four(const struct ip *ip)
{
    return memcmp(ip->bytes, four_prefix, FOUR_AT) == 0;
}

bool ip_is_loopback(const struct ip *ip)
{
    static const struct ip six = {{[15] = 1}};

    return ip_is_four(ip) ? ip->bytes[FOUR_AT] == 127 : ip_same(ip, &six);
}

bool ip_same(const struct ip *a, const struct ip *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

void ip_write(const struct ip *ip, char text[static IP_TEXT_MAX])
{
    bool four = ip_is_four(ip);

    if (!inet_ntop(four ? AF_INET : AF_INET6, ip->bytes + (four ? FOUR_AT : 0), text, IP_TEXT_MAX))
        text[0] = '\0';
}

/* The bits from the given one on are all 0. */
static bool ends_at(const struct ip *ip, unsigned bits)
{
    for (unsigned i = bits; i < BITS; i++)
        if (ip->bytes[i / 8] & (0x80 >> i % 8))
            return false;
    return true;
}

static bool network_read(const char *text, size_t bytes, struct network *network)
{
    const char *slash = memchr(text, '/', bytes);
    size_t digits = slash ? (size_t)(text + bytes - slash) - 1 : 0;
    unsigned prefix = 0;

    if (!ip_read(text, slash ? (size_t)(slash - text) : bytes, &network->ip))
        return false;
    network->bits = BITS;
    if (!slash)
        return true;
    if (digits == 0 || digits > 3)
        return false;
    for (size_t i = 1; i <= digits; i++) {
        if (slash[i] < '0' || slash[i] > '9')
            return false;
        prefix = prefix * 10 + (unsigned)(slash[i] - '0');
    }
    bool four = memchr(text, ':', bytes) == NULL;
    network->bits = prefix + (four ? BITS - FOUR_BITS : 0);
    return network->bits <= BITS && ends_at(&network->ip, network->bits);
}

bool networks_read(const char *text, struct networks *networks)
{
    size_t bytes;

    networks->count = 0;
    for (text += strspn(text, " \t"); *text; text += strspn(text, " \t")) {
        bytes = strcspn(text, ", \t");
        if (networks->count == NETWORKS_MAX ||
            !network_read(text, bytes, &networks->items[networks->count++]))
            return false;
        text += bytes;
        text += strspn(text, " \t");
        if (*text == ',' && text[1 + strspn(text + 1, " \t")])
            text++;
        else if (*text)
            return false;
    }
    return true;
}

bool networks_hold(const struct networks *networks, const struct ip *ip)
{
    for (size_t n = 0; n < networks->count; n++) {
        const struct network *network = &networks->items[n];
        unsigned whole = network->bits / 8, rest = network->bits % 8;
        unsigned char mask = (unsigned char)(0xff00 >> rest);
        if (memcmp(network->ip.bytes, ip->bytes, whole) == 0 &&
            (rest == 0 || ((network->ip.bytes[whole] ^ ip->bytes[whole]) & mask) == 0))
            return true;
    }
    return false;
}
