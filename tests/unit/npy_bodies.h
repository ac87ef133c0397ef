/* npy_bodies.h - requests with bodies of .npy, as texts. */
#ifndef NPY_BODIES_H
#define NPY_BODIES_H

/* An array of one row, one of one label; and a request with such a body. */
#define NPY_ROW                                                                               \
    "\x93NUMPY\1\0\x3a\0{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2)}\n\0\0\x80?" \
    "\0\0\0@"
#define NPY_LABEL \
    "\x93NUMPY\1\0\x38\0{'descr': '<i4', 'fortran_order': False, 'shape': (1,)}\n\1\0\0\0"
#define NPY(to, bytes, accepted)                                                        \
    {                                                                                   \
        .method = "POST", .target = to, .body = bytes, .body_bytes = sizeof(bytes) - 1, \
        .headers = {                                                                    \
            [REQUEST_CONTENT_TYPE] = "application/x-npy",                               \
            [REQUEST_ACCEPT] = accepted                                                 \
        }                                                                               \
    }

#endif
