/* tests/exhaustive/bounds.c - a program: do the bounds of axon/bounds.h hold on 10^7 random rows?
 *
 *   bounds [ROWS]
 *
 * Random networks of every activation, a third of them of relu alone, 10,240 rows each: anywhere in
 * the range, at its corners, and at the corner that is worst for a unit. Each unit of each layer is
 * looked at before and after its activation. Exits with 1 if a value is outside or a proof wrong.
 */
#include <stdio.h>
#include "../unit/test_lib_bounds.h"

enum { ROWS_EACH = 10240 };

static size_t units_proven(const struct net *net, enum axon_proof proof)
{
    size_t count = 0;

    for (size_t l = 0; l < net->layers_count; l++)
        for (size_t u = 0; u < net->layers[l].units; u++)
            count += axon_bounds_proof(net->bounds, l, u) == proof;
    return count;
}

int main(int argc, char **argv)
{
    static struct net net;
    double rows = argc > 1 ? strtod(argv[1], NULL) : 1e7;
    size_t violations = 0, dead = 0, linear = 0, nets = 0;

    for (double done = 0; done < rows; done += ROWS_EACH, nets++) {
        net_init(&net, nets % 3 == 0);
        dead += units_proven(&net, AXON_PROOF_DEAD);
        linear += units_proven(&net, AXON_PROOF_LINEAR);
        violations += net_violations(&net, ROWS_EACH);
        net_fini(&net);
    }
    printf("%zu networks, %zu rows, %zu units proven dead, %zu linear: %zu violations\n", nets,
           nets * ROWS_EACH, dead, linear, violations);
    return violations != 0;
}
