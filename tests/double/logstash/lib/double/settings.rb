# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
require "yaml"
require_relative "errors"
require_relative "variables"

module Double
  TABLES = YAML.safe_load(File.read(File.join(__dir__, "options.yml"), encoding: "UTF-8"))

  # logstash.yml and the command line, over the defaults.
  class Settings
    KNOWN = TABLES["settings"].to_h { |name, _type, _default, place| [name, place] }
    DEFAULTS = {
      "pipeline.id" => "main", "pipeline.workers" => 1, "pipeline.batch.size" => 125, "pipeline.batch.delay" => 50,
      "api.enabled" => true, "api.http.host" => "127.0.0.1", "api.http.port" => "9600-9700", "log.format" => "plain",
      "log.level" => "info", "allow_superuser" => true, "config.test_and_exit" => false, "queue.type" => "memory"
    }.freeze

    def initialize(home, options)
      directory = options.fetch("path.settings", File.join(home, "config"))
      @values = DEFAULTS.merge("path.data" => File.join(home, "data"), "path.logs" => File.join(home, "logs"))
      @values.merge!(file(directory)).merge!(options)
    end

    def [](name)
      @values[name]
    end

    def pipelines_file
      File.join(self["path.settings"], "pipelines.yml")
    end

    # Refuses what Logstash refuses before it looks at pipelines.
    def check
      unknown = (@values.keys - KNOWN.keys - ["path.settings"]).first
      raise Refused, "Setting \"#{unknown}\" doesn't exist. Please check if you haven't made a typo." if unknown

      %w[path.data path.logs].each do |name|
        raise Refused, "Path \"#{self[name]}\" must be a writable directory. It is not writable." unless writable?(self[name])
      end
    end

    # A hash of hashes as one of dotted names; what has no value is not set.
    def self.flat(hash, prefix = "")
      hash.reduce({}) do |all, (name, value)|
        all.merge(value.is_a?(Hash) ? flat(value, "#{prefix}#{name}.") : { "#{prefix}#{name}" => value })
      end.compact
    end

    private

    def writable?(directory)
      Dir.mkdir(directory) unless File.exist?(directory)
      File.directory?(directory) && File.writable?(directory)
    rescue SystemCallError
      false
    end

    def file(directory)
      path = File.join(directory, "logstash.yml")
      return {} unless File.exist?(path)

      Variables.replace(Settings.flat(YAML.safe_load(File.read(path, encoding: "UTF-8")) || {}))
    rescue Refused => e
      puts %(ERROR: Failed to load settings file from "path.settings". Aborting... path.setting=#{directory}, ) \
           "exception=LogStash::ConfigurationError, message=>#{e.message}"
      raise Ended, 1
    end
  end
end
