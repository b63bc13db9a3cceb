//! `engine.xml`: the server's own settings, for a machine that it shares with the rest of ActivityLog.
//!
//! System log tables (`query_log`, `trace_log`, `metric_log` ...) are not named here and so don't exist: in this mode
//! ClickHouse makes only those that the configuration names, and each would cost merges and disk all day.

use std::path::Path;

use super::ports::Ports;
use super::{EngineOptions, files};

pub(super) fn render(options: &EngineOptions, ports: Ports, engine_dir: &Path) -> String {
    let path = |name: &str| files::xml_text(&engine_dir.join(name).display().to_string());
    let threads = options.background_threads.max(1);
    // Merges and mutations share `threads * 2` slots; ClickHouse refuses to start when these thresholds exceed them.
    let slots = threads * 2;
    let few_free = (slots / 2).max(1);
    format!(
        r#"<clickhouse>
  <!-- Written by activitylog at each start: changes made here are lost. -->
  <path>{store}/</path>
  <format_schema_path>{schemas}/</format_schema_path>
  <timezone>UTC</timezone>
  <listen_host>127.0.0.1</listen_host>
  <http_port>{http}</http_port>
  <tcp_port>{tcp}</tcp_port>
  <user_directories><users_xml><path>{users}</path></users_xml></user_directories>
  <access_control_improvements>
    <!-- The tenant filters bind the user they name; the writer reads without one. -->
    <users_without_row_policies_can_read_rows>true</users_without_row_policies_can_read_rows>
  </access_control_improvements>

  <!-- This mode reads its level here, not from logger/level. -->
  <log-level>warning</log-level>
  <logger><log>{log}</log><size>10M</size><count>2</count></logger>

  <max_server_memory_usage>{memory}</max_server_memory_usage>
  <max_server_memory_usage_to_ram_ratio>{ratio}</max_server_memory_usage_to_ram_ratio>
  <!-- Caches: marks and the primary index pay for themselves; decompressed blocks are the page cache's business. -->
  <mark_cache_size>67108864</mark_cache_size>
  <index_mark_cache_size>33554432</index_mark_cache_size>
  <primary_index_cache_size>67108864</primary_index_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <index_uncompressed_cache_size>0</index_uncompressed_cache_size>
  <mmap_cache_size>256</mmap_cache_size>
  <compiled_expression_cache_size>33554432</compiled_expression_cache_size>

  <background_pool_size>{threads}</background_pool_size>
  <background_merges_mutations_concurrency_ratio>2</background_merges_mutations_concurrency_ratio>
  <background_schedule_pool_size>4</background_schedule_pool_size>
  <background_common_pool_size>2</background_common_pool_size>
  <background_move_pool_size>1</background_move_pool_size>
  <background_fetches_pool_size>1</background_fetches_pool_size>
  <max_thread_pool_size>1000</max_thread_pool_size>
  <max_thread_pool_free_size>16</max_thread_pool_free_size>
  <max_io_thread_pool_size>16</max_io_thread_pool_size>
  <merge_tree>
    <number_of_free_entries_in_pool_to_lower_max_size_of_merge>{few_free}</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
    <number_of_free_entries_in_pool_to_execute_mutation>{few_free}</number_of_free_entries_in_pool_to_execute_mutation>
    <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>{few_free}</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
  </merge_tree>

  <!-- What an idle engine does all day. -->
  <asynchronous_metrics_update_period_s>60</asynchronous_metrics_update_period_s>
  <asynchronous_heavy_metrics_update_period_s>3600</asynchronous_heavy_metrics_update_period_s>
  <memory_worker_period_ms>1000</memory_worker_period_ms>

  <!-- At the end, an idle connection is waited for so long; the HTTP client of ours closes it earlier (2 s). -->
  <keep_alive_timeout>3</keep_alive_timeout>

  <backups><allowed_path>{backups}/</allowed_path></backups>
  <send_crash_reports><enabled>false</enabled></send_crash_reports>
</clickhouse>
"#,
        store = path(files::STORE),
        schemas = path("format_schemas"),
        users = path(files::USERS_XML),
        log = path(files::LOG),
        backups = path("backups"),
        http = ports.http,
        tcp = ports.tcp,
        memory = options.max_memory_bytes.unwrap_or(0),
        ratio = options.max_memory_ratio.clamp(0.05, 1.0),
    )
}
