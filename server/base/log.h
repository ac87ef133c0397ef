/* log.h - one line per event on standard error, as key=value or JSON; control bytes escaped, no
 * payloads.
 *
 *     log_event(LOG_INFO, "model_loaded", LOG_S("model", name), LOG_U("version", v));
 *
 * Thread-safe; one write(2) per line; a line is cut at 4 KiB. Never waits: a line that standard
 * error does not take at once (its reader stalls or is gone, the disk is full) is dropped and
 * counted in axond_log_dropped_total. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_LEVELS };

/* Once standard error is what it shall be; again when it has changed. */
void log_init(enum log_level least, bool json);
void log_level_set(enum log_level least);         /* from now on */
enum log_level log_level_find(const char *name);  /* LOG_INFO for an unknown name */
enum log_level log_level(void);                   /* the one of now */
const char *log_level_name(enum log_level level); /* static storage */
bool log_enabled(enum log_level level);

/* At most once a second for each *last_ns, for what others can cause at will. */
bool log_is_due(atomic_uint_fast64_t *last_ns);

/* Built with the macros below; at least one per event. */
struct log_field {
    const char *key;
    enum { LOG_TEXT, LOG_UNSIGNED, LOG_SECONDS } type;
    const char *text;
    unsigned long long number;
    double seconds;
};
#define LOG_S(k, v)                               \
    {                                             \
        .key = (k), .type = LOG_TEXT, .text = (v) \
    }
#define LOG_U(k, v)                                     \
    {                                                   \
        .key = (k), .type = LOG_UNSIGNED, .number = (v) \
    }
#define LOG_F(k, v)                                     \
    {                                                   \
        .key = (k), .type = LOG_SECONDS, .seconds = (v) \
    }

void log_write(enum log_level level, const char *event, const struct log_field *fields, int count);
#define log_event(level, event, ...)                                 \
    log_write(level, event, (const struct log_field[]){__VA_ARGS__}, \
              (int)(sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field)))

#endif
