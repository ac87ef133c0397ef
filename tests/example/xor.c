/* xor.c - a program of somebody else's: a network of two layers that computes exclusive or.
 *
 * It sees the installed headers only. http/t0030-install.sh builds it against libaxon.so and
 * against libaxon.a, runs both and compares what they print. */
#include <axon/activation.h>
#include <axon/mlp.h>
#include <axon/status.h>
#include <stdio.h>
#include <stdlib.h>

/* hidden = relu(x0 + x1), relu(x0 + x1 - 1); output = sigmoid(20 (hidden0 - 2 hidden1) - 10) */
static enum axon_status create_xor(struct axon_mlp **network)
{
    static const float hidden[2][2] = {{1, 1}, {1, 1}}, hidden_bias[2] = {0, -1};
    static const float output[1][2] = {{20, -40}}, output_bias[1] = {-10};
    const struct axon_layer layers[] = {
        {.units = 2,
         .weight = hidden[0],
         .bias = hidden_bias,
         .activation = axon_activation_find("relu")},
        {.units = 1,
         .weight = output[0],
         .bias = output_bias,
         .activation = axon_activation_find("sigmoid")},
    };
    const struct axon_mlp_spec spec = {.features = 2, .layers = layers, .layers_count = 2};

    return axon_mlp_create(&spec, network);
}

int main(void)
{
    static const float x[4][2] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}};
    float y[4];
    struct axon_mlp *network;
    enum axon_status status = create_xor(&network);
    void *scratch;

    if (status != AXON_OK) {
        fprintf(stderr, "xor: %s\n", axon_status_text(status));
        return EXIT_FAILURE;
    }
    scratch = aligned_alloc(64, (axon_mlp_scratch_bytes(network) + 63) / 64 * 64);
    if (scratch) {
        axon_mlp_predict(network, x[0], 4, y, scratch, NULL);
        for (int row = 0; row < 4; row++)
            printf("%g xor %g = %.3f\n", (double)x[row][0], (double)x[row][1], (double)y[row]);
    }
    axon_mlp_destroy(network);
    free(scratch);
    return scratch ? EXIT_SUCCESS : EXIT_FAILURE;
}
