/* addresses.c - how many connections each client address has open.
 *
 * A hash table of chains, seeded so that nobody can aim at one chain; called under
 * connections.mutex. Invariant: an entry exists exactly while its count is above zero. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "http/private.h"

enum { BUCKETS = 1024, KEY_BYTES = 16 };

struct address {
    struct address *next;
    size_t count, bucket;
    unsigned char key[KEY_BYTES];
};

static uint64_t seed;

/* IPv4 as it stands; IPv6 by its /64, since a customer is given at least that much. Anything else
 * (a local socket) is one address. */
static void make_key(const struct sockaddr *address, unsigned char *key)
{
    memset(key, 0, KEY_BYTES);
    if (address && address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        key[0] = 4;
        memcpy(key + 1, &in.sin_addr, sizeof in.sin_addr);
    } else if (address && address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof in6);
        key[0] = IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr) ? 4 : 6;
        memcpy(key + 1, in6.sin6_addr.s6_addr + (key[0] == 4 ? 12 : 0), key[0] == 4 ? 4 : 8);
    }
}

static size_t bucket_of(const unsigned char *key)
{
    uint64_t hash = seed;

    for (size_t i = 0; i < KEY_BYTES; i++)
        hash = (hash ^ key[i]) * 0x100000001b3;
    return (size_t)(hash >> 32) % BUCKETS;
}

static struct address *find(const struct connections *list, const unsigned char *key)
{
    struct address *entry = list->addresses[bucket_of(key)];

    while (entry && memcmp(entry->key, key, KEY_BYTES) != 0)
        entry = entry->next;
    return entry;
}

int addresses_init(struct connections *list)
{
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed)
        seed = (uintptr_t)list;
    list->addresses = calloc(BUCKETS, sizeof *list->addresses);
    return list->addresses ? 0 : -1;
}

void addresses_fini(struct connections *list)
{
    free(list->addresses);
    list->addresses = NULL;
}

size_t addresses_count(const struct connections *list, const struct sockaddr *address)
{
    unsigned char key[KEY_BYTES];
    const struct address *entry;

    make_key(address, key);
    entry = find(list, key);
    return entry ? entry->count : 0;
}

struct address *addresses_add(struct connections *list, const struct sockaddr *address)
{
    unsigned char key[KEY_BYTES];
    struct address *entry;

    make_key(address, key);
    entry = find(list, key);
    if (!entry) {
        entry = calloc(1, sizeof *entry);
        if (!entry)
            return NULL;
        memcpy(entry->key, key, KEY_BYTES);
        entry->bucket = bucket_of(key);
        entry->next = list->addresses[entry->bucket];
        list->addresses[entry->bucket] = entry;
    }
    entry->count++;
    return entry;
}

void addresses_remove(struct connections *list, struct address *address)
{
    struct address **link = &list->addresses[address->bucket];

    if (--address->count > 0)
        return;
    while (*link != address)
        link = &(*link)->next;
    *link = address->next;
    free(address);
}
