/* ip.h - addresses and networks as numbers: read from text, compared, written.
 *
 * Pure: no sockets are opened and no names looked up. IPv4 is held as IPv6 holds it
 * (::ffff:192.0.2.1), so one address has one form however it came in. */
#ifndef BASE_IP_H
#define BASE_IP_H

#include <stdbool.h>
#include <stddef.h>

struct sockaddr;

enum { IP_TEXT_MAX = 46 };

struct ip {
    unsigned char bytes[16];
};

/* "192.0.2.1" or "2001:db8::1" [bytes]; false if it is neither. */
bool ip_read(const char *text, size_t bytes, struct ip *ip);
/* False if it is no address of the Internet's, such as that of a local socket. */
bool ip_of_socket(const struct sockaddr *address, struct ip *ip);
void ip_write(const struct ip *ip, char text[static IP_TEXT_MAX]);
bool ip_is_four(const struct ip *ip);
bool ip_is_loopback(const struct ip *ip); /* 127.0.0.0/8 or ::1 */
bool ip_same(const struct ip *a, const struct ip *b);

/* Networks "10.0.0.0/8, ::1, fd00::/8": an address alone is a network of one. */
enum { NETWORKS_MAX = 64 };
struct networks {
    size_t count;
    struct network {
        struct ip ip;
        unsigned bits; /* of 128 */
    } items[NETWORKS_MAX];
};

/* False if an item is no network, has bits beyond its prefix, or if there are too many. "" has
 * none.
 */
bool networks_read(const char *text, struct networks *networks);
bool networks_hold(const struct networks *networks, const struct ip *ip);

#endif
