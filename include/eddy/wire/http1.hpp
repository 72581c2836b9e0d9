// HTTP/1.1 as bytes and events, without I/O: all of eddy::wire::http1.
//
//   reading   request_parser, response_parser -> head; head.body() -> body_decoder -> data,
//   trailers writing   fields, write_request_head, write_response_head, write_chunk,
//   write_last_chunk parts     parse_target, query_parameters, format_date, parse_date,
//   list_elements
//
// Nothing here knows a clock, a socket or a thread; objects belong to one thread at a time.
#pragma once

#include <eddy/wire/http1_body.hpp>
#include <eddy/wire/http1_date.hpp>
#include <eddy/wire/http1_error.hpp>
#include <eddy/wire/http1_fields.hpp>
#include <eddy/wire/http1_limits.hpp>
#include <eddy/wire/http1_request_parser.hpp>
#include <eddy/wire/http1_response_parser.hpp>
#include <eddy/wire/http1_syntax.hpp>
#include <eddy/wire/http1_target.hpp>
#include <eddy/wire/http1_writer.hpp>
