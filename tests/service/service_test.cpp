// The reference service as its users meet it: a process, curl, a real upstream and a bad one.
#include "http/nginx.hpp"
#include "service/programs.hpp"

#include <chrono>
#include <string>
#include <vector>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace service::testing {
namespace {

namespace json = boost::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* as_json = "Content-Type: application/json";

answer post_batch(const service_process& service, const std::string& body,
                  const std::vector<std::string>& more = {}) {
  const temporary_file file(body);
  std::vector<std::string> arguments{"-H", as_json, "--data-binary", "@" + file.path(),
                                     service.base() + "/api/v1/process-batch"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return curl(arguments);
}

std::string batch_of(const std::vector<std::string>& urls) {
  json::array items;
  for (const std::string& url : urls) {
    json::object item;
    item["url"] = url;
    items.push_back(item);
  }
  return json::serialize(items);
}

std::string text_of(const json::value& value) {
  return {value.get_string().begin(), value.get_string().end()};
}

TEST(service, shows_a_page_that_needs_no_other_server) {
  const service_process service;
  const answer page = curl({service.base() + "/"});
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, AllOf(HasSubstr("<!doctype html>"), HasSubstr("/api/v1/async-benchmark"),
                               HasSubstr("/api/v1/process-batch"), HasSubstr("/metrics")));
  EXPECT_THAT(page.body,
              AllOf(Not(HasSubstr("src=")), Not(HasSubstr("https:")), Not(HasSubstr("url("))));
}

TEST(service, says_how_it_is) {
  const service_process service;
  EXPECT_EQ(curl({service.base() + "/health"}).body, R"({"status":"ok"})");
  const json::value status = json::parse(curl({service.base() + "/api/v1/status"}).body);
  EXPECT_GE(status.at("uptime_s").to_number<double>(), 0);
  EXPECT_GE(status.at("requests").to_number<int>(), 1);
  EXPECT_EQ(status.at("loops").to_number<int>(), 1);

  curl({service.base() + "/nowhere"});
  const answer metrics = curl({service.base() + "/metrics"});
  EXPECT_THAT(metrics.body, HasSubstr("http_requests_total{route=\"/health\",status=\"200\"} 1\n"));
  EXPECT_THAT(metrics.body, HasSubstr("status=\"404\"} 1\n"));
  EXPECT_THAT(metrics.body,
              HasSubstr("http_request_duration_seconds_count{route=\"/health\"} 1\n"));
  EXPECT_THAT(metrics.body, HasSubstr("eddy_loop_lag_seconds "));
  EXPECT_THAT(metrics.body, HasSubstr("eddy_tasks "));
  EXPECT_THAT(curl({service.base() + "/debug/tasks"}).body, HasSubstr("main  spawned at main.cpp"));
}

TEST(service, measures_its_benchmark) {
  const service_process service;
  const std::string url = service.base() + "/api/v1/async-benchmark";
  const json::value usual = json::parse(curl({url}).body);
  EXPECT_EQ(text_of(usual.at("operation")), "async-benchmark");
  EXPECT_EQ(usual.at("tasks").as_int64(), 100);
  const double duration = usual.at("duration_ms").to_number<double>();
  EXPECT_GE(duration, 100);
  EXPECT_LT(duration, 1000);
  EXPECT_NEAR(usual.at("throughput").to_number<double>(), 100 / duration * 1000, 0.01);
  EXPECT_THAT(
      text_of(usual.at("benchmark_date")),
      ::testing::MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3}Z"));
  const json::value other = json::parse(curl({url + "?tasks=1000&delay_ms=20"}).body);
  EXPECT_EQ(other.at("tasks").as_int64(), 1000);
  EXPECT_GE(other.at("duration_ms").to_number<double>(), 20);

  for (const std::string wrong :
       {"tasks=0", "tasks=10001", "tasks=x", "tasks=", "tasks=1e3", "tasks=-1"}) {
    const answer refusal = curl({url + "?" + wrong});
    EXPECT_EQ(refusal.status, 400) << wrong;
    EXPECT_EQ(text_of(json::parse(refusal.body).at("error").at("parameter")), "tasks") << wrong;
  }
  const answer refusal = curl({url + "?delay_ms=10001"});
  EXPECT_EQ(refusal.status, 400);
  EXPECT_EQ(text_of(json::parse(refusal.body).at("error").at("parameter")), "delay_ms");
}

TEST(service, answers_what_it_cannot_serve_with_json) {
  const service_process service;
  EXPECT_EQ(curl({service.base() + "/nowhere"}).status, 404);
  const answer wrong_method = curl({"-i", "-X", "DELETE", service.base() + "/health"});
  EXPECT_EQ(wrong_method.status, 405);
  EXPECT_THAT(wrong_method.body, HasSubstr("Allow: "));
  const answer wrong_type =
      curl({"-H", "Content-Type: text/csv", "-d", "[]", service.base() + "/api/v1/process-batch"});
  EXPECT_EQ(wrong_type.status, 415);
  EXPECT_EQ(post_batch(service, "[{]").status, 400);
  EXPECT_EQ(post_batch(service, std::string(9 << 20, ' ')).status, 413);
  for (const answer& each :
       {curl({service.base() + "/nowhere"}), wrong_type, post_batch(service, "nope")}) {
    EXPECT_EQ(json::parse(each.body).at("error").at("status").as_int64(), each.status);
  }
}

TEST(service, names_the_place_of_a_wrong_shape) {
  const service_process service;
  struct row {
    const char* body;
    int index;  // -1: none
    const char* field;
  };
  for (const row& each :
       {row{"{}", -1, ""}, row{"[{\"url\":\"http://a/\"},7]", 1, ""},
        row{"[{\"uri\":\"http://a/\"}]", 0, "url"}, row{"[{\"url\":[]}]", 0, "url"}}) {
    const answer refusal = post_batch(service, each.body);
    EXPECT_EQ(refusal.status, 422) << each.body;
    const json::object error = json::parse(refusal.body).at("error").as_object();
    EXPECT_EQ(error.contains("index"), each.index >= 0) << each.body;
    if (each.index >= 0) {
      EXPECT_EQ(error.at("index").as_int64(), each.index);
    }
    EXPECT_EQ(error.contains("field") ? text_of(error.at("field")) : "", each.field);
  }
  const std::vector<std::string> many(10'001, "http://a/");
  EXPECT_EQ(post_batch(service, batch_of(many)).status, 422);
  const json::value none = json::parse(post_batch(service, "[]").body);
  EXPECT_EQ(none.at("processed_count").as_int64(), 0);
}

TEST(service, fetches_a_thousand_urls_of_which_some_hang_or_fail) {
  if (!eddy::http::testing::nginx::is_installed()) GTEST_SKIP() << "nginx is not installed";
  const eddy::http::testing::nginx good;
  good.write_file("page.txt", "a page\n");
  const bad_server bad;
  const service_process service({"--timeout", "3", "--retry-count", "1"});
  std::vector<std::string> urls;
  for (int i = 0; i < 1000; ++i) {
    const std::string number = std::to_string(i);
    const char* path = i % 20 != 7    ? nullptr
                       : i % 40 == 7  ? "/hang"
                       : i % 80 == 27 ? "/fail"
                                      : "/drop";
    urls.push_back(path == nullptr ? good.base() + "/page.txt?" + number
                                   : bad.base() + path + "?" + number);
  }
  const answer done = post_batch(service, batch_of(urls));
  ASSERT_EQ(done.status, 200) << done.body;
  const json::value report = json::parse(done.body);
  EXPECT_EQ(report.at("processed_count").as_int64(), 950);
  EXPECT_EQ(report.at("failed_count").as_int64(), 50);
  EXPECT_LT(report.at("elapsed_ms").to_number<double>(), 12'000);
  EXPECT_GE(report.at("elapsed_ms").to_number<double>(), 3'000);
  const json::array& results = report.at("results").as_array();
  ASSERT_EQ(results.size(), urls.size());
  for (std::size_t i = 0; i < urls.size(); ++i) {
    const json::object& result = results[i].as_object();
    EXPECT_EQ(text_of(result.at("url")), urls[i]);
    if (i % 20 != 7) {
      EXPECT_EQ(result.at("status").as_int64(), 200);
      EXPECT_EQ(result.at("bytes").as_int64(), 7);
    } else if (i % 40 == 7) {
      EXPECT_EQ(text_of(result.at("error")), "timed out after 3 s");
    } else {
      EXPECT_THAT(text_of(result.at("error")), HasSubstr("(2 attempts)"));
    }
  }
}

TEST(service, retries_and_keeps_errors_to_their_item) {
  const bad_server bad;
  const service_process service;
  const json::value report = json::parse(
      post_batch(service,
                 batch_of({bad.base() + "/flaky", bad.base() + "/cut", "nonsense", "https://a/"}))
          .body);
  EXPECT_EQ(report.at("processed_count").as_int64(), 1);
  EXPECT_EQ(report.at("results").at(0).at("status").as_int64(), 200);
  EXPECT_THAT(text_of(report.at("results").at(1).at("error")), HasSubstr("(4 attempts)"));
  EXPECT_THAT(text_of(report.at("results").at(2).at("error")), HasSubstr("not an absolute URL"));
  EXPECT_THAT(text_of(report.at("results").at(3).at("error")), HasSubstr("https"));
}

TEST(service, stops_a_batch_whose_client_has_hung_up) {
  bad_server bad;
  const service_process service({"--timeout", "3000"});
  auto abandoned = bad.abandoned();
  EXPECT_EQ(post_batch(service, batch_of({bad.base() + "/hang"}), {"-m", "1"}).status, 0);
  EXPECT_EQ(abandoned.wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST(service, finishes_requests_and_ends_with_zero_on_sigterm) {
  for (const int signal : {SIGTERM, SIGINT}) {
    service_process service;
    child_process curl(curl_command({service.base() + "/api/v1/async-benchmark?delay_ms=1000"}));
    // The request is being served once the service says so.
    bool running = false;
    for (int i = 0; i < 1000 && !running; ++i) {
      const answer status = testing::curl({service.base() + "/api/v1/status"});
      running = json::parse(status.body).at("requests_running").as_int64() >= 2;
    }
    EXPECT_TRUE(running);
    service.signal(signal);
    const answer last = answer_of(curl);
    EXPECT_EQ(last.status, 200);
    EXPECT_EQ(service.wait(), 0) << service.output();
  }
}

TEST(service, ends_at_once_on_the_second_signal) {
  bad_server bad;
  service_process service({"--timeout", "3000"});
  const temporary_file body(batch_of({bad.base() + "/hang"}));
  child_process curl(curl_command({"-H", as_json, "--data-binary", "@" + body.path(),
                                   service.base() + "/api/v1/process-batch"}));
  bool running = false;
  for (int i = 0; i < 1000 && !running; ++i) {
    const answer status = testing::curl({service.base() + "/api/v1/status"});
    running = json::parse(status.body).at("requests_running").as_int64() >= 2;
  }
  EXPECT_TRUE(running);
  const auto begun = std::chrono::steady_clock::now();
  service.signal(SIGTERM);
  while (testing::curl({"-m", "1", service.base() + "/health"}).status == 200) {
  }
  service.signal(SIGTERM);
  service.wait();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(8));
}

TEST(service, prints_its_tasks_on_sigusr1) {
  service_process service;
  service.signal(SIGUSR1);
  EXPECT_TRUE(service.wait_for("main  spawned at main.cpp")) << service.output();
  EXPECT_EQ(curl({service.base() + "/health"}).status, 200);
}

TEST(service, serves_on_all_loops) {
  service_process service({"--loops", "3"});
  for (int i = 0; i < 20; ++i) EXPECT_EQ(curl({service.base() + "/health"}).status, 200);
  service.signal(SIGTERM);
  EXPECT_EQ(service.wait(), 0) << service.output();
}

TEST(service, explains_its_options) {
  child_process help({EDDY_PROGRAM, "--help"});
  EXPECT_EQ(help.wait(), 0);
  EXPECT_THAT(help.output(), AllOf(HasSubstr("--host"), HasSubstr("--port"), HasSubstr("--loops"),
                                   HasSubstr("EDDY_SERVICE_PORT")));
  child_process wrong({EDDY_PROGRAM, "--loops", "0"});
  EXPECT_EQ(wrong.wait(), 2);
  child_process taken({EDDY_PROGRAM, "--host", "192.0.2.1"});
  EXPECT_EQ(taken.wait(), 1);
  EXPECT_THAT(taken.output(), HasSubstr("192.0.2.1"));
}

}  // namespace
}  // namespace service::testing
