// Everything of this module.
#pragma once

#include <eddy/web/access_log.hpp>
#include <eddy/web/compression.hpp>
#include <eddy/web/cors.hpp>
#include <eddy/web/forms.hpp>
#include <eddy/web/limits.hpp>
#include <eddy/web/request_metrics.hpp>
#include <eddy/web/security.hpp>
#include <eddy/web/sessions.hpp>
#include <eddy/web/static_files.hpp>
