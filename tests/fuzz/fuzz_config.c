/* fuzz_config.c - libFuzzer entry: any bytes as config.json are a config that holds its invariants,
 * or an error with a message. */
#include <stdlib.h>
#include <string.h>
#include "model/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config c;
    struct error error = {0};
    char *text = malloc(size + 1); /* exactly as long as what the caller promises */

    require(text != NULL);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    if (config_read(&c, text, size, "config.json", &error) == 0) {
        require(c.network.layers_count >= 1 && c.network.layers_count <= CONFIG_LAYERS_MAX);
        for (size_t l = 0; l < c.network.layers_count; l++) {
            require(c.network.layers[l].features ==
                    (l ? c.network.layers[l - 1].units : c.network.features));
            require(c.network.layers[l].units >= 1 &&
                    c.network.layers[l].units <= CONFIG_UNITS_MAX);
            require(c.network.layers[l].activation && object_name_valid(c.network.layers[l].name));
        }
        for (size_t n = 0; n < c.network.norms_count; n++) {
            const struct config_layer *layer = &c.network.layers[c.network.norms[n].layer];
            require(c.network.norms[n].layer < c.network.layers_count);
            require(c.network.norms[n].width ==
                    (c.network.norms[n].before ? layer->features : layer->units));
            require(c.network.norms[n].epsilon >= 0 && c.network.norms[n].epsilon <= 1);
        }
        require(c.network.ranking == RANKING_NONE || c.network.labels_count > 0);
        network_needs_weights(&c.network);
        config_fini(&c);
    } else {
        require(error.detail[0] != '\0');
    }
    free(text);
    return 0;
}
