# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
require "fileutils"
require "securerandom"
require_relative "api"
require_relative "log"
require_relative "pipeline"
require_relative "settings"

module Double
  # The process.
  class Runner
    LOGGER = "logstash.runner".freeze
    SAYS = "TEST DOUBLE: this is not Logstash but a stand-in for tests".freeze
    SLOW = "slow-start".freeze # a file in the home directory: the seconds of processor that a start takes before its first word
    STALL = 5 # seconds between two reports of a shutdown that does not come about

    def initialize(home, version, options)
      @version = version
      @settings = Settings.new(home, options)
      @log = Log.new(@settings["log.format"], @settings["log.level"])
      @log.warn(LOGGER, "#{SAYS}, which goes by the version #{version}")
    end

    # The exit status.
    def run
      superuser || invalid || begin
        directories
        @pipelines = pipelines
        @settings["config.test_and_exit"] ? test : start
      end
    rescue Refused => e
      invalid_configuration("Unable to configure plugins: (#{e.kind}) #{e.message}")
    end

    private

    def superuser
      return unless Process.uid.zero? && !@settings["allow_superuser"]

      @log.fatal(LOGGER, "An unexpected error occurred!", { error: "#<RuntimeError: Logstash cannot be run as superuser.>" })
      1
    end

    def invalid
      @settings.check
      nil
    rescue Refused => e
      puts "Your settings are invalid. Reason: #{e.message}"
      1
    end

    def invalid_configuration(reason)
      @log.fatal(LOGGER, "The given configuration is invalid. Reason: #{reason}")
      1
    end

    def directories
      %w[queue dead_letter_queue].each { |name| FileUtils.mkdir_p(File.join(@settings["path.data"], name)) }
    end

    def pipelines
      path = @settings.pipelines_file
      listed = read(path)
      usage("Pipelines YAML file is empty. Location: #{path}") if listed.nil? || listed == [] || listed == false
      entries = listed.map { |entry| Variables.replace(Settings.flat(entry)) }
      misplaced = entries.flat_map(&:keys).find { |name| Settings::KNOWN[name] != "both" }
      no_sources("Only pipeline related settings are expected. Received \"#{misplaced}\".") if misplaced
      no_sources('Pipelines YAML file contains duplicate pipeline ids: #{duplicate_ids}. Location: #{path}') if entries.map { |e| e["pipeline.id"] }.uniq!
      entries.map { |entry| Pipeline.new(Settings::DEFAULTS.merge(own).merge(entry), @log) }
    end

    # What logstash.yml says of every pipeline.
    def own
      Settings::KNOWN.keys.to_h { |name| [name, @settings[name]] }.compact
    end

    def read(path)
      YAML.safe_load(File.read(path, encoding: "UTF-8"))
    rescue SystemCallError => e
      usage("Failed to read pipelines yaml file. Location: #{path}, Exception: #<#{e.class}: #{e.message}>")
    end

    def usage(message)
      puts "ERROR: #{message}", "usage:", "  bin/logstash -f CONFIG_PATH [-t] [-r] [] [-w COUNT] [-l LOG]"
      raise Ended, 1
    end

    def no_sources(message)
      @log.error("logstash.config.sourceloader", "Could not fetch all the sources", { message: message })
      invalid_configuration("Could not load the configuration file")
      raise Ended, 1
    end

    # Pipelines without a file are none; so a test without any file passes.
    def with_files
      missing, found = @pipelines.partition(&:missing?)
      missing.each { |one| @log.info("logstash.config.source.local.configpathloader", "No config files found in path", { path: one.id }) }
      @log.error("logstash.config.sourceloader", "No configuration found in the configured sources.") if found.empty?
      found
    end

    def test
      with_files.each do |one|
        one.configure
      rescue Refused => e
        raise unless e.message.start_with?("Expected one of")

        return invalid_configuration(e.message)
      end
      puts "Configuration OK"
      @log.info(LOGGER, "Using config.test_and_exit mode. Config Validation Result: OK. Exiting Logstash")
      0
    end

    def start
      slowly
      return 1 unless lock && (api = open_api)

      @pipelines = with_files
      api.serve
      @pipelines.each { |one| start_one(one) }
      running = @pipelines.reject(&:error)
      if running.empty?
        @log.info(LOGGER, "Logstash shut down.")
        return 1
      end
      watch = signals
      @log.info("logstash.agent", "Pipelines running", { count: running.size, running_pipelines: running.map(&:id), non_running_pipelines: [] })
      stay(running, watch)
    end

    # As Java does on a busy machine: it computes, and neither speaks nor answers.
    def slowly
      path = File.join(ENV.fetch("HOME", "/nonexistent"), SLOW)
      seconds = File.exist?(path) ? File.read(path).to_f : 0
      nil while Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID) < seconds
    end

    # One process for each path.data.
    def lock
      @lock = File.open(File.join(@settings["path.data"], ".lock"), File::RDWR | File::CREAT)
      return true if @lock.flock(File::LOCK_EX | File::LOCK_NB)

      @log.fatal(LOGGER, "Logstash could not be started because there is already another instance using the configured data directory.  " \
                         'If you wish to run multiple instances, you must change the "path.data" setting.')
      false
    end

    def open_api
      path = File.join(@settings["path.data"], "uuid")
      File.write(path, SecureRandom.uuid) unless File.exist?(path)
      # @pipelines is exchanged for those with files before the first request is served.
      Api.new(@settings, @version, File.read(path), @pipelines).tap do |api|
        @log.info("logstash.agent", "Successfully started Logstash API endpoint", { port: api.port, ssl_enabled: false })
      end
    rescue Errno::EADDRINUSE
      port = @settings["api.http.port"]
      @log.fatal(LOGGER, "An unexpected error occurred!",
                 { error: "#<Errno::EADDRINUSE: Address already in use - Logstash tried to bind to port #{port}, but the port is already in use.>" })
      nil
    end

    def start_one(one)
      one.configure
      one.start
    rescue Refused => e
      reason = e.message.start_with?("Expected one of") ? e.message : "Unable to configure plugins: (#{e.kind}) #{e.message}"
      one.fail_with(reason)
      @log.error("logstash.agent", "Failed to execute action",
                 { action: "LogStash::PipelineAction::Create/pipeline_id:#{one.id}", exception: "Java::JavaLang::IllegalStateException", message: reason })
    end

    # A signal's handler may not take a lock, and the log has one.
    def signals
      queue = Queue.new
      %w[TERM INT].each { |name| Signal.trap(name) { queue << name } }
      queue
    end

    # It ends once every input has noticed that it is to stop, which on an idle feed is never.
    def stay(running, watch)
      name = watch.pop
      @log.warn(LOGGER, "SIG#{name} received. Shutting down.", {}, thread: "SIG#{name} handler")
      running.each(&:stop)
      until running.all?(&:ended?)
        sleep STALL
        next if running.all?(&:ended?)

        @log.error("org.logstash.execution.ShutdownWatcherExt",
                   "The shutdown process appears to be stalled due to busy or blocked plugins. Check the logs for more information.")
      end
      @log.info(LOGGER, "Logstash shut down.")
      0
    end
  end
end
