/* hosts.h - the names that the service answers for: "example.com, *.example.com, 127.0.0.1, [::1]".
 *
 * Pure. A page of a stranger whose name resolves to our address (DNS rebinding) is told by the Host
 * that its browser sends. */
#ifndef BASE_HOSTS_H
#define BASE_HOSTS_H

#include <stdbool.h>

/* Names, addresses, and "*." in front of a name for all below it; commas between. "" is fine. */
bool hosts_ok(const char *list);

/* Is the host of "name", "name:port", "[::1]:port" in the list? Case and port do not matter, nor
 * does a dot at the end. NULL is in none. */
bool hosts_hold(const char *list, const char *authority);

#endif
