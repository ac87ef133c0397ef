/* handover.h - what it costs to hand a request to another thread, measured here and now. */
#ifndef HANDOVER_H
#define HANDOVER_H

/* CPU seconds of both sides together: take a socket out of an epoll set, wake a thread, be woken by
 * it through an eventfd, put the socket back. 0 if it cannot be measured. */
double handover_measure(void);

#endif
