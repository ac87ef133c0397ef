/* log.c - events as lines on standard error.
 *
 * Knows the two formats and nothing of who logs. Invariant: a line is built in full, always ends
 * well formed (room for its end is kept from the start), and leaves in one write(2) that does not
 * block, or not at all: lines never mix, and who reads them stops nobody. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "metrics/metrics.h"
#include "base/utf8.h"

enum { LINE_MAX_BYTES = 4096, LINE_END = 8 /* the cut mark, a quote, a brace, a newline */ };
_Static_assert(LINE_MAX_BYTES <= PIPE_BUF, "a pipe takes a whole line or nothing");

struct line {
    char text[LINE_MAX_BYTES];
    size_t length;
};

static _Atomic(enum log_level) least_level = LOG_INFO;
static atomic_bool as_json;
static const char *const level_names[LOG_LEVELS] = {"debug", "info", "warn", "error"};

/* Where lines go. O_NONBLOCK on standard error itself would hold for all who share it, such as the
 * shell that started us; poll() before a write does not help where others write as well, who may
 * take the room in between. So a pipe or a terminal is opened anew, as ours alone. */
static struct {
    pthread_mutex_t lock;
    int own; /* that descriptor, or -1 */
    bool is_socket;
} out = {.lock = PTHREAD_MUTEX_INITIALIZER, .own = -1};

static void out_open(void)
{
    struct stat info;
    mode_t type = fstat(STDERR_FILENO, &info) == 0 ? info.st_mode & S_IFMT : 0;

    pthread_mutex_lock(&out.lock);
    if (out.own >= 0)
        close(out.own);
    out.own = -1;
    if (type == S_IFIFO || type == S_IFCHR)
        out.own = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    out.is_socket = type == S_IFSOCK;
    pthread_mutex_unlock(&out.lock);
}

void log_init(enum log_level least, bool json)
{
    log_level_set(least);
    atomic_store_explicit(&as_json, json, memory_order_relaxed);
    out_open();
}

void log_level_set(enum log_level least)
{
    atomic_store_explicit(&least_level, least, memory_order_relaxed);
}

enum log_level log_level_find(const char *name)
{
    for (enum log_level level = 0; level < LOG_LEVELS; level++)
        if (strcmp(level_names[level], name) == 0)
            return level;
    return LOG_INFO;
}

enum log_level log_level(void)
{
    return atomic_load_explicit(&least_level, memory_order_relaxed);
}

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

bool log_enabled(enum log_level level)
{
    return level >= atomic_load_explicit(&least_level, memory_order_relaxed);
}

bool log_is_due(atomic_uint_fast64_t *last_ns)
{
    uint64_t now = clock_ns(), last = atomic_load(last_ns);

    return now - last > 1000000000 && atomic_compare_exchange_strong(last_ns, &last, now);
}

/* Append all of it or nothing; false if there is no room before the line's end. */
static bool append(struct line *line, const char *bytes, size_t n)
{
    if (line->length + n > LINE_MAX_BYTES - LINE_END)
        return false;
    memcpy(line->text + line->length, bytes, n);
    line->length += n;
    return true;
}

/* Writes into the room that was kept at the end for this. */
static void append_end(struct line *line, const char *bytes)
{
    size_t n = strlen(bytes);
    memcpy(line->text + line->length, bytes, n);
    line->length += n;
}

__attribute__((format(printf, 2, 3))) static bool append_format(struct line *line,
                                                                const char *format, ...)
{
    char text[128];
    va_list arguments;

    va_start(arguments, format);
    int n = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return n >= 0 && (size_t)n < sizeof text && append(line, text, (size_t)n);
}

/* One character of a quoted value, escaped; *taken is how many bytes it was. A terminal must not be
 * steered by what a client sent, so C1 controls (U+0080..U+009F) are escaped as well. */
static bool append_character(struct line *line, const char *at, bool json, size_t *taken)
{
    static const char named[] = "\"\"\\\\\nn\rr\tt";
    unsigned char c = (unsigned char)*at;
    size_t length = utf8_length(at);

    *taken = length ? length : 1;
    for (const char *n = named; *n; n += 2)
        if (*at == *n)
            return append(line, (char[]){'\\', n[1]}, 2);
    if (length == 0)
        return json ? append_format(line, "\\ufffd") : append_format(line, "\\x%02x", c);
    if (c < 0x20 || c == 0x7f)
        return append_format(line, json ? "\\u%04x" : "\\x%02x", c);
    if (c == 0xc2 && (unsigned char)at[1] < 0xa0)
        return append_format(line, "\\u%04x", (unsigned char)at[1]);
    return append(line, at, length);
}

static void append_quoted(struct line *line, const char *text, bool json)
{
    size_t taken;

    append_end(line, "\"");
    for (; *text; text += taken)
        if (!append_character(line, text, json, &taken)) {
            append_end(line, "...");
            break;
        }
    append_end(line, "\"");
}

/* logfmt needs no quotes around plain words. */
static bool is_plain(const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "-_.:/+@%,;*()[]{}~#!?&|<>^$'";
    return *text && text[strspn(text, plain)] == '\0' && strlen(text) < LINE_MAX_BYTES / 2;
}

static void append_text(struct line *line, const char *text, bool json)
{
    text = text ? text : "";
    if (json || !is_plain(text) || !append(line, text, strlen(text)))
        append_quoted(line, text, json);
}

static void append_number(struct line *line, const struct log_field *field, bool json)
{
    if (field->type == LOG_UNSIGNED)
        append_format(line, "%llu", field->number);
    else if (json && !isfinite(field->seconds))
        append_format(line, "null");
    else
        append_format(line, fabs(field->seconds) < 1e15 ? "%.9f" : "%g", field->seconds);
}

static void append_field(struct line *line, const struct log_field *field, bool json)
{
    size_t before = line->length;

    /* A key that finds no room for itself and a short value is left out whole. */
    if (!append_format(line, json ? ",\"%s\":" : " %s=", field->key) ||
        line->length + 32 > LINE_MAX_BYTES - LINE_END)
        line->length = before;
    else if (field->type == LOG_TEXT)
        append_text(line, field->text, json);
    else
        append_number(line, field, json);
}

static void append_time(struct line *line, bool json)
{
    struct timespec now;
    struct tm utc;
    char text[32];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    append_format(line, json ? "{\"ts\":\"%s.%03ldZ\"" : "ts=%s.%03ldZ", text,
                  now.tv_nsec / 1000000);
}

/* The last resort where standard error can't be opened anew (another user's pipe, no /proc): right
 * unless somebody else writes to it as well. */
static bool takes_a_line(void)
{
    struct pollfd to = {.fd = STDERR_FILENO, .events = POLLOUT};
    int ready;

    while ((ready = poll(&to, 1, 0)) < 0 && errno == EINTR)
        ;
    return ready == 1 && (to.revents & POLLOUT);
}

static ssize_t write_once(const struct line *line)
{
    if (out.own >= 0)
        return write(out.own, line->text, line->length);
    if (out.is_socket)
        return send(STDERR_FILENO, line->text, line->length, MSG_DONTWAIT | MSG_NOSIGNAL);
    return takes_a_line() ? write(STDERR_FILENO, line->text, line->length) : 0;
}

static bool write_line(const struct line *line)
{
    ssize_t written;

    pthread_mutex_lock(&out.lock); /* what poll() says holds until somebody writes */
    while ((written = write_once(line)) < 0 && errno == EINTR)
        ;
    pthread_mutex_unlock(&out.lock);
    return written == (ssize_t)line->length;
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, int count)
{
    if (!log_enabled(level))
        return;
    bool json = atomic_load_explicit(&as_json, memory_order_relaxed);
    struct line line;

    line.length = 0;
    append_time(&line, json);
    append_field(&line, &(struct log_field)LOG_S("level", level_names[level]), json);
    append_field(&line, &(struct log_field)LOG_S("event", event), json);
    for (int i = 0; i < count; i++)
        append_field(&line, &fields[i], json);
    append_end(&line, json ? "}\n" : "\n");
    if (write_line(&line))
        metrics_add(METRIC_log_messages_total, level, 1);
    else
        metrics_add(METRIC_log_dropped_total, 0, 1);
}
