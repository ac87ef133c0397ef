/* text_peers.cc - bench-text's contenders of C++: simdjson's on-demand parser, std::from_chars and
 * std::to_chars. */
#include <charconv>
#ifdef BENCH_SIMDJSON
#include <simdjson.h>
#endif
#include "text.h"

#ifdef BENCH_SIMDJSON
size_t text_read_simdjson(const char *text, size_t len, float *x, size_t n)
{
    static simdjson::ondemand::parser parser;
    simdjson::ondemand::document document;
    size_t count = 0;

    if (parser.iterate(text, len, len + TEXT_PADDING).get(document))
        return 0;
    for (auto row : document)
        for (auto element : row) {
            double value;
            if (element.get(value) || count == n)
                return 0;
            x[count++] = (float)value;
        }
    return count;
}
#endif

size_t text_read_from_chars(const char *text, size_t len, float *x, size_t n)
{
    const char *end = text + len;
    size_t count = 0;

    while (text < end && count < n) {
        if (*text == '[' || *text == ']' || *text == ',' || *text == ' ') {
            text++;
            continue;
        }
        auto result = std::from_chars(text, end, x[count++]);
        if (result.ec != std::errc())
            return 0;
        text = result.ptr;
    }
    return count;
}

size_t text_write_to_chars(const float *x, size_t n, char *out)
{
    char *p = out;

    for (size_t i = 0; i < n; i++) {
        p = std::to_chars(p, p + TEXT_NUMBER_MAX, x[i]).ptr;
        *p++ = ',';
    }
    return (size_t)(p - out);
}
