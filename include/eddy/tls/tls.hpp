// All of eddy::tls.
#pragma once

#include <eddy/tls/certificate.hpp>
#include <eddy/tls/certificate_authority.hpp>
#include <eddy/tls/connect.hpp>
#include <eddy/tls/context.hpp>
#include <eddy/tls/credentials.hpp>
#include <eddy/tls/error.hpp>
#include <eddy/tls/stream.hpp>
