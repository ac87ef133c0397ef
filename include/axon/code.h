/* axon/code.h - an activation as other frameworks write it: code to copy.
 *
 * lib/code.def has the rows. Each is statements that make y of x at the default parameters, so a
 * reader who knows one framework finds the same function in another. */
#ifndef AXON_CODE_H
#define AXON_CODE_H

#include "axon/activation.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Lines are separated by '\n'. The first four are Python, after `import` of torch, keras (3), jax
 * or numpy, and math; onnx is the body of a graph in ONNX's text, opset 20 or later. */
struct axon_code {
    const char *pytorch, *keras, *jax, *numpy, *onnx;
};

/* The code of a row of axon_activation_table(). Static storage; never NULL. */
const struct axon_code *axon_activation_code(const struct axon_activation *act);

#ifdef __cplusplus
}
#endif

#endif
