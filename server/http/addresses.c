/* addresses.c - how many connections, or requests through proxies, each client address has.
 *
 * A hash table of chains, seeded so that nobody can aim at one chain; called under
 * connections.mutex. Invariant: an entry exists exactly while its count is above zero. */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "http/private.h"

enum { BUCKETS = 1024, SIX_PREFIX_BYTES = 8 };

struct address {
    struct address *next;
    size_t count, bucket;
    struct ip ip;
};

static uint64_t seed;

/* IPv4 as it stands; IPv6 by its /64, since a customer is given at least that much. */
static struct ip customer_of(const struct ip *ip)
{
    struct ip customer = *ip;

    if (!ip_is_four(ip))
        memset(customer.bytes + SIX_PREFIX_BYTES, 0, sizeof customer.bytes - SIX_PREFIX_BYTES);
    return customer;
}

static size_t bucket_of(const struct ip *customer)
{
    uint64_t hash = seed;

    for (size_t i = 0; i < sizeof customer->bytes; i++)
        hash = (hash ^ customer->bytes[i]) * 0x100000001b3;
    return (size_t)(hash >> 32) % BUCKETS;
}

static struct address *find(const struct connections *list, const struct ip *customer)
{
    struct address *entry = list->addresses[bucket_of(customer)];

    while (entry && !ip_same(&entry->ip, customer))
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

size_t addresses_count(const struct connections *list, const struct ip *ip)
{
    const struct ip customer = customer_of(ip);
    const struct address *entry = find(list, &customer);

    return entry ? entry->count : 0;
}

struct address *addresses_add(struct connections *list, const struct ip *ip)
{
    const struct ip customer = customer_of(ip);
    struct address *entry = find(list, &customer);

    if (!entry) {
        entry = calloc(1, sizeof *entry);
        if (!entry)
            return NULL;
        entry->ip = customer;
        entry->bucket = bucket_of(&customer);
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
