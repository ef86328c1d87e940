#include "ssl/mae.h"
#include "ssl/mae_options.h"
#include "ssl/spark.h"
#include "ssl/spark_options.h"
#include "ssl/ssl_method.h"

namespace marrow {

void add_builtin_methods(SslMethods& methods) {
  methods.add<MaeOptions>("Masked autoencoder: hides patches from a vision transformer", make_mae);
  methods.add<SparkOptions>(
      "SparK: sparse, hierarchical masked modelling for convolutional encoders", make_spark);
}

}  // namespace marrow
