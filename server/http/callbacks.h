/* callbacks.h - what libmicrohttpd calls: request.c, and parser.c for its log lines. Only for files
 * that know it. */
#ifndef HTTP_CALLBACKS_H
#define HTTP_CALLBACKS_H

#include <microhttpd.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>

void *request_target(void *cls, const char *target, struct MHD_Connection *mhd);
enum MHD_Result request_step(void *cls, struct MHD_Connection *mhd, const char *url,
                             const char *method, const char *version, const char *bytes,
                             size_t *size, void **state);
void request_done(void *cls, struct MHD_Connection *mhd, void **state,
                  enum MHD_RequestTerminationCode why);
enum MHD_Result connection_may_start(void *cls, const struct sockaddr *address, socklen_t bytes);
void connection_notify(void *cls, struct MHD_Connection *mhd, void **context,
                       enum MHD_ConnectionNotificationCode what);
void parser_log(void *cls, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

#endif
