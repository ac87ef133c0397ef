/* golden.h - a version's golden.json: instances, and the predictions that the network must give for
 * them before it may serve. */
#ifndef GOLDEN_H
#define GOLDEN_H

#include <axon/mlp.h>
#include "base/error.h"
#include "model/version.h"

/* Check the golden.json of the version, if there is one. ERROR_OK, or error that names row and
 * column. A prediction p is right if |got - p| <= tolerance * max(1, |p|). These rows are counted
 * nowhere. */
enum error_id golden_check(const struct version_source *from, const struct axon_mlp *mlp,
                           struct error *error);

#endif
