/* answers.h - which classes a model's answers are, and how their probabilities follow from the
 * outputs: from task, labels and last activation of config.json. */
#ifndef MODEL_ANSWERS_H
#define MODEL_ANSWERS_H

#include "model/network.h"
#include "model/private.h"

/* m->answers, m->classes and m->chances; m has its task and labels. 0, or -1 when out of memory. */
int answers_init(struct model *m, const struct network *network);

#endif
