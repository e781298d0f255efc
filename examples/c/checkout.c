/* SPDX-License-Identifier: Apache-2.0 */
/* checkout DEFINITIONS: which checkout three customers get. */
#include <guidon/guidon.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char* read_file(const char* path, size_t* size) {
  FILE* file = fopen(path, "rb");
  if (file == NULL) return NULL;
  char* text = malloc(1 << 20);
  *size = text == NULL ? 0 : fread(text, 1, 1 << 20, file);
  fclose(file);
  return text;
}

int main(int argc, char** argv) {
  static const char* const customers[] = {
      "{\"targetingKey\": \"u1\", \"tenantId\": \"acme\"}",
      "{\"targetingKey\": \"u2\", \"tenantId\": \"globex\", \"plan\": \"enterprise\", \"seats\": 80}",
      "{\"targetingKey\": \"u3\", \"tenantId\": \"initech\", \"plan\": \"free\", \"seats\": 3}"};
  size_t size = 0;
  char* text = argc == 2 ? read_file(argv[1], &size) : NULL;
  guidon_error* error = NULL;
  guidon_snapshot* flags = guidon_snapshot_load(text, size, &error);
  free(text);
  if (flags == NULL) {
    fprintf(stderr, "%s: %s\n", guidon_error_field(error), guidon_error_message(error));
    guidon_error_free(error);
    return 1;
  }
  for (size_t i = 0; i < sizeof(customers) / sizeof(customers[0]); ++i) {
    guidon_context* context = guidon_context_load(customers[i], strlen(customers[i]), NULL);
    guidon_evaluation details;
    const bool enabled = guidon_boolean(flags, "new-checkout", context, false, &details);
    printf("%s %s %s\n", enabled ? "new" : "old", details.variant.data, guidon_reason_name(details.reason));
    guidon_context_free(context);
  }
  guidon_snapshot_free(flags);
  return 0;
}
