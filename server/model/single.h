/* single.h - a folder that is one model, where a repository of models was expected: platforms mount
 * one model and give its folder. It knows names of files only. */
#ifndef SINGLE_H
#define SINGLE_H

#include <stdbool.h>
#include "model/model.h"

/* Does the folder hold files of a model, and none of its folders a config.json? */
bool single_is(int rootfd);

/* Has one of the folder's folders, none of them a version's, a config.json? */
bool single_holds_models(int rootfd);

/* The name of the model in dir: wished, or if that is "" the folder's name, or "model" if that
 * is no name of a model or a number, as the folders of versions are. */
void single_name(const char *dir, const char *wished, char name[static MODEL_NAME_MAX + 1]);

/* Files that other tools put beside a model, such as MLmodel, are told in one info line. */
void single_tell_others(int dirfd, const char *model);

#endif
