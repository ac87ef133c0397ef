/* predict.h - `axond predict MODEL < rows`: rows through a model, as POST :predict answers them. */
#ifndef COMMANDS_PREDICT_H
#define COMMANDS_PREDICT_H

#include "commands/command.h"

/* Rows on standard input to predictions on standard output. A JSON object that is to be answered
 * with JSON is the body of a request, which api/predict.c answers, unless --top-k asks for what is
 * not in it; all else is rows, a piece at a time. 0, or error, after the rows before the bad one
 * were written. */
command_fn predict;

#endif
