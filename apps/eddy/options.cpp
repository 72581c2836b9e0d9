#include "options.hpp"

#include <chrono>
#include <map>

#include <CLI/CLI.hpp>

namespace command {
namespace {

eddy::duration seconds(double count) {
  return eddy::to_duration(std::chrono::duration<double>(count));
}

/// What CLI11 writes into, in the line's own units.
struct line_values {
  fetch_options fetch;
  crawl_options crawl;
  serve_options serve;
  double fetch_timeout = 30;
  double crawl_timeout = 30;
  double delay = 0.5;
  std::size_t crawl_retries = 2;
  bool ignore_robots = false;
};

CLI::App* add_fetch(CLI::App& line, line_values& read) {
  CLI::App* const fetch = line.add_subcommand("fetch", "Fetch URLs, several at once");
  fetch->add_option("url", read.fetch.urls, "What to fetch")->required();
  fetch->add_option("-o,--output", read.fetch.output, "Folder to write the bodies to");
  fetch->add_option("-c,--concurrency", read.fetch.concurrency, "Requests at once")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  fetch->add_option("--timeout", read.fetch_timeout, "Seconds for one attempt")
      ->check(CLI::Range(0.001, 86400.0))
      ->capture_default_str();
  fetch->add_option("--retries", read.fetch.retries, "Further attempts after errors, 429 and 5xx")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  return fetch;
}

CLI::App* add_crawl(CLI::App& line, line_values& read) {
  eddy::scrape::crawl_options& how = read.crawl.how;
  const std::map<std::string, eddy::scrape::crawl_scope> scopes{
      {"host", eddy::scrape::crawl_scope::same_host},
      {"site", eddy::scrape::crawl_scope::same_site},
      {"any", eddy::scrape::crawl_scope::any}};
  CLI::App* const crawl = line.add_subcommand("crawl", "Fetch all pages that some URLs lead to");
  crawl->add_option("url", read.crawl.urls, "Where to start; their hosts are crawled")->required();
  crawl->add_option(
      "-o,--out", read.crawl.out,
      "FILE.jsonl or FILE.db: the results. If it is there, the crawl goes on from it");
  crawl->add_option("--depth", how.max_depth, "Links to follow from the start");
  crawl->add_option("--limit", how.max_pages, "Results, with those that --out has already");
  crawl->add_option("-c,--concurrency", how.concurrency, "Requests at once")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  crawl->add_option("--per-host", how.per_host, "Of these, to one host")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  crawl->add_option("--delay", read.delay, "Seconds between two requests to a host")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  crawl->add_option("--timeout", read.crawl_timeout, "Seconds for one attempt")
      ->check(CLI::Range(0.001, 86400.0))
      ->capture_default_str();
  crawl->add_option("--retries", read.crawl_retries, "Further attempts after errors, 429 and 5xx")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  crawl->add_option("--max-body", how.max_body, "Bytes of the largest page")->capture_default_str();
  crawl->add_option("--user-agent", how.user_agent, "Name and contact of the crawler")
      ->capture_default_str();
  crawl->add_option("--scope", how.scope, "Links to follow: host, site (and hosts below), any")
      ->transform(CLI::CheckedTransformer(scopes));
  crawl->add_flag("--sitemaps", how.use_sitemaps, "Read the sitemaps that robots.txt names");
  crawl->add_flag("--ignore-robots", read.ignore_robots, "Do not ask for robots.txt");
  crawl->add_flag("--allow-private", how.allow_private,
                  "Also connect to addresses that are not of the public internet");
  return crawl;
}

CLI::App* add_serve(CLI::App& line, line_values& read) {
  CLI::App* const serve = line.add_subcommand("serve", "Serve a folder's files");
  serve->add_option("folder", read.serve.folder, "What to serve")->required();
  serve->add_option("--host", read.serve.host, "Address to listen on")->capture_default_str();
  serve->add_option("-p,--port", read.serve.port, "Port to listen on; 0 takes a free one")
      ->capture_default_str();
  serve->add_flag("--listing", read.serve.listing, "List folders that have no index.html");
  CLI::Option* const certificate =
      serve->add_option("--cert", read.serve.certificate, "Certificate chain (PEM): serve https");
  CLI::Option* const key = serve->add_option("--key", read.serve.key, "Its private key (PEM)");
  certificate->needs(key);
  key->needs(certificate);
  return serve;
}

}  // namespace

std::variant<std::monostate, fetch_options, crawl_options, serve_options> read_options(
    int argc, char** argv, int& exit_code) {
  line_values read;
  CLI::App line("Fetches, crawls and serves web pages.", "eddy");
  line.require_subcommand(1);
  const CLI::App* const fetch = add_fetch(line, read);
  const CLI::App* const crawl = add_crawl(line, read);
  add_serve(line, read);
  try {
    line.parse(argc, argv);
  } catch (const CLI::ParseError& end) {
    exit_code = line.exit(end) == 0 ? 0 : 2;
    return std::monostate();
  }
  if (fetch->parsed()) {
    read.fetch.timeout = seconds(read.fetch_timeout);
    return read.fetch;
  }
  if (!crawl->parsed()) return read.serve;
  eddy::scrape::crawl_options& how = read.crawl.how;
  how.timeout = seconds(read.crawl_timeout);
  how.delay = seconds(read.delay);
  how.retry = how.retry.attempts(read.crawl_retries + 1);
  how.obey_robots = !read.ignore_robots;
  return read.crawl;
}

}  // namespace command
