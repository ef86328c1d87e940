#include "apps/builtin_commands.h"

#include "apps/cli.h"
#include "apps/convert_command.h"
#include "apps/describe_command.h"
#include "apps/doctor_command.h"
#include "apps/embed_command.h"
#include "apps/evaluate_command.h"
#include "apps/explain_command.h"
#include "apps/export_command.h"
#include "apps/finetune_command.h"
#include "apps/fingerprint_command.h"
#include "apps/import_command.h"
#include "apps/list_command.h"
#include "apps/phantom_command.h"
#include "apps/predict_command.h"
#include "apps/prepare_command.h"
#include "apps/pretrain_command.h"
#include "apps/probe_command.h"
#include "apps/reduce_command.h"
#include "apps/report_command.h"
#include "apps/scan_command.h"
#include "apps/split_command.h"
#include "apps/verify_command.h"

namespace marrow {

// In the order of a first walk through the program.
void add_builtin_commands(CommandTable& table) {
  add_doctor_command(table);
  add_describe_command(table);
  add_phantom_command(table);
  add_scan_command(table);
  add_list_command(table);
  add_explain_command(table);
  add_convert_command(table);
  add_split_command(table);
  add_fingerprint_command(table);
  add_reduce_command(table);
  add_prepare_command(table);
  add_pretrain_command(table);
  add_import_command(table);
  add_embed_command(table);
  add_probe_command(table);
  add_finetune_command(table);
  add_evaluate_command(table);
  add_predict_command(table);
  add_report_command(table);
  add_export_command(table);
  add_verify_command(table);
}

}  // namespace marrow
