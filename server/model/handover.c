/* handover.c - does what a hand-over does, some scores of times, and looks at the CPU clock.
 *
 * It knows what libmicrohttpd does to suspend and resume a connection (two epoll_ctl, an eventfd
 * that wakes its epoll_wait) and what batcher.c does in between (a mutex and a condition); the
 * CPU time of the process, and the least of some rounds, since other processes must not matter. */
#include "model/handover.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { GROUPS = 12, ROUNDS = 8 };

struct pair {
    pthread_mutex_t lock;
    pthread_cond_t asked;
    bool pending, stopping;
    int epoll, woken, idle; /* idle stands for the client's socket */
};

static void *answer(void *context)
{
    struct pair *p = context;

    pthread_mutex_lock(&p->lock);
    while (!p->stopping) {
        if (!p->pending) {
            pthread_cond_wait(&p->asked, &p->lock);
            continue;
        }
        p->pending = false;
        pthread_mutex_unlock(&p->lock);
        (void)eventfd_write(p->woken, 1);
        pthread_mutex_lock(&p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static void ask(struct pair *p, bool *flag)
{
    pthread_mutex_lock(&p->lock);
    *flag = true;
    pthread_cond_signal(&p->asked);
    pthread_mutex_unlock(&p->lock);
}

static void hand_over(struct pair *p)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET}, seen;
    eventfd_t count;

    epoll_ctl(p->epoll, EPOLL_CTL_DEL, p->idle, NULL);
    ask(p, &p->pending);
    while (epoll_wait(p->epoll, &seen, 1, -1) != 1)
        continue;
    (void)eventfd_read(p->woken, &count);
    epoll_ctl(p->epoll, EPOLL_CTL_ADD, p->idle, &event);
}

static double process_s(void)
{
    struct timespec t = {0};

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double measure(struct pair *p)
{
    double least = 1;

    for (unsigned group = 0; group < GROUPS; group++) {
        double begun = process_s(), took;
        for (unsigned round = 0; round < ROUNDS; round++)
            hand_over(p);
        took = (process_s() - begun) / ROUNDS;
        least = took < least ? took : least;
    }
    return least;
}

static bool open_all(struct pair *p)
{
    struct epoll_event event = {.events = EPOLLIN};

    p->epoll = epoll_create1(EPOLL_CLOEXEC);
    p->woken = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    p->idle = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return p->epoll >= 0 && p->woken >= 0 && p->idle >= 0 &&
           epoll_ctl(p->epoll, EPOLL_CTL_ADD, p->woken, &event) == 0 &&
           epoll_ctl(p->epoll, EPOLL_CTL_ADD, p->idle, &event) == 0;
}

double handover_measure(void)
{
    struct pair p = {.lock = PTHREAD_MUTEX_INITIALIZER, .asked = PTHREAD_COND_INITIALIZER};
    pthread_t thread;
    double seconds = 0;

    if (open_all(&p) && pthread_create(&thread, NULL, answer, &p) == 0) {
        seconds = measure(&p);
        ask(&p, &p.stopping);
        pthread_join(thread, NULL);
    }
    for (size_t i = 0; i < 3; i++) {
        int fd = i == 0 ? p.epoll : i == 1 ? p.woken : p.idle;
        if (fd >= 0)
            close(fd);
    }
    return seconds;
}
