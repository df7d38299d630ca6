# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
require_relative "settings"

module Double
  # Checks a plugin's settings against the tables of its options.
  class Plugins
    FOUND = {
      %w[input couchdb_changes] => ["logstash.inputs.couchdbchanges", "input_couchdb_changes", ["options", "common"]],
      %w[filter ruby] => ["logstash.filters.ruby", "filter_ruby", ["options"]],
      %w[output http] => ["logstash.outputs.http", "output_http", ["options", "http_client_mixin", "common"]]
    }.freeze
    DEFAULTS = {
      "couchdb_changes" => { "host" => "localhost", "port" => 5984, "secure" => false, "heartbeat" => 1000, "keep_id" => false,
                             "keep_revision" => false, "always_reconnect" => true, "reconnect_delay" => 10 },
      "ruby" => { "script_params" => {} },
      "http" => { "headers" => {}, "format" => "json", "retryable_codes" => [429, 500, 502, 503, 504], "ignorable_codes" => [],
                  "retry_failed" => true, "request_timeout" => 60, "socket_timeout" => 10, "connect_timeout" => 10 }
    }.freeze
    SEE = "If you have any questions about this".freeze

    def initialize(log)
      @log = log
    end

    # The settings of a plugin as it works with them; raises Refused.
    def configured(plugin)
      logger, table, groups = FOUND[[plugin.type, plugin.name]] || missing(plugin)
      rows = groups.flat_map { |group| TABLES[table][group] }
      rows += TABLES["filter_common"]["options"] if plugin.type == "filter"
      settings = Variables.replace(plugin.settings)
      rows.each { |row| status(plugin, logger, row, settings) if settings.key?(row[0]) }
      wrong = [unknown(plugin, rows, settings), required(plugin, rows, settings), typed(plugin, rows, settings)].compact
      wrong.each { |message| @log.error(logger, message) }
      raise Refused, "Something is wrong with your configuration." unless wrong.empty?

      only_here(plugin, settings)
      DEFAULTS[plugin.name].merge(settings.to_h { |name, value| [name, cast(rows, name, value)] })
    end

    private

    def cast(rows, name, value)
      case rows.find { |row| row[0] == name }[1]
      when "number" then value.is_a?(String) ? Float(value) : value
      when "boolean" then value.to_s == "true"
      when /\Alist/ then Array(value)
      else value
      end
    end

    def missing(plugin)
      @log.error("logstash.plugins.registry", "Unable to load plugin.", { type: plugin.type, name: plugin.name })
      raise Refused.new("Couldn't find any #{plugin.type} plugin named '#{plugin.name}'. Are you sure this is correct? Trying to load " \
                        "the #{plugin.name} #{plugin.type} plugin resulted in this error: Unable to load the requested plugin named " \
                        "#{plugin.name} of type #{plugin.type}. The plugin is not installed.", "PluginLoadingError")
    end

    # A deprecated setting prints the plugin, headers and all.
    def status(plugin, logger, row, settings)
      if row[4] == "obsolete"
        raise Refused, "The setting `#{row[0]}` in plugin `#{plugin.name}` is obsolete and is no longer available. " \
                       "#{SEE}, you are invited to visit https://discuss.elastic.co/c/logstash and ask."
      elsif row[4].start_with?("deprecated")
        shown = settings.map { |name, value| "#{name}=>#{value.inspect}" }.join(", ")
        @log.warn(logger, "You are using a deprecated config setting \"#{row[0]}\" set in #{plugin.name}. Deprecated settings will " \
                          "continue to work, but are scheduled for removal from logstash in the future. Use `#{row[4][/\S+\z/]}` instead",
                  { name: row[0], plugin: "<LogStash::#{plugin.type.capitalize}s::#{plugin.name.capitalize} #{shown}>" })
      end
    end

    def unknown(plugin, rows, settings)
      name = (settings.keys - rows.map(&:first)).first
      name && "Unknown setting '#{name}' for #{plugin.name}"
    end

    def required(plugin, rows, settings)
      name = rows.select { |row| row[3] == true }.map(&:first).find { |one| !settings.key?(one) }
      name && "Missing a required setting for the #{plugin.name} #{plugin.type} plugin:\n\n#{shown(plugin, "#{name} => # SETTING MISSING")}"
    end

    def typed(plugin, rows, settings)
      rows.each do |name, type, *|
        next unless settings.key?(name) && (reason = unfit(type, settings[name]))

        kind = type.split(" ").first
        return "Invalid setting for #{plugin.name} #{plugin.type} plugin:\n\n" +
               shown(plugin, "# This setting must be a #{kind}\n      # #{reason}\n      #{name} => #{settings[name].inspect}")
      end
      nil
    end

    # Why a value is none of the type; nil if it is one.
    def unfit(type, value)
      case type
      when "number" then "Expected number, got #{value.inspect} (type #{value})" unless value.to_s.match?(/\A-?\d+(\.\d+)?\z/)
      when "boolean" then "Expected boolean, got #{value.inspect}" unless %w[true false].include?(value.to_s)
      when "path" then "File does not exist or cannot be opened #{value}" unless File.exist?(value.to_s)
      when "hash" then "Expected hash, got #{value.inspect}" unless value.is_a?(Hash)
      when "string", "password" then "Expected string, got #{value.inspect}" if value.is_a?(Array) || value.is_a?(Hash)
      when /\Aenum (.*)/ then "Expected one of #{Regexp.last_match(1).split('|')}, got #{value.inspect}" unless Regexp.last_match(1).split("|").include?(value)
      when /\Alist of (.*)/ then Array(value).map { |item| unfit(Regexp.last_match(1), item) }.compact.first
      end
    end

    def shown(plugin, text)
      "  #{plugin.type} {\n    #{plugin.name} {\n      #{text}\n      ...\n    }\n  }"
    end

    # What the stand-in cannot do is refused, so that no test rests on it.
    def only_here(plugin, settings)
      fits = { "http" => { "http_method" => "post", "format" => "json_batch" } }.fetch(plugin.name, {})
      odd = fits.find { |name, value| settings[name] != value }
      odd ||= %w[mapping proxy user ssl_key ssl_keystore_path http_compression add_field tags type code].find { |name| settings.key?(name) }
      raise Refused, "the TEST DOUBLE cannot do #{Array(odd).join(' other than ')} in #{plugin.name}" if odd
    end
  end
end
