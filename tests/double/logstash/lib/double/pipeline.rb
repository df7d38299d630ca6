# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
require "timeout"
require_relative "grammar"
require_relative "input"
require_relative "output"
require_relative "plugins"
require_relative "script"

module Double
  # Input, queue in memory, one worker. What the queue and the worker hold is lost by a kill.
  class Pipeline
    attr_reader :id, :error, :failed_at, :counts

    def initialize(settings, log)
      @id = settings["pipeline.id"]
      @settings = settings
      @log = log
      # As recorded, in: what the input read; filtered: what went into the filter; out: what the output took, sent or dropped.
      @counts = { in: 0, filtered: 0, out: 0, filter_in: 0, filter_out: 0, output_in: 0, duration: 0 }
      @queue = SizedQueue.new(2 * batch_size)
    end

    def batch_size
      @settings["pipeline.batch.size"].to_i
    end

    def batch_delay
      @settings["pipeline.batch.delay"].to_i
    end

    # Reads and checks the configuration; raises Refused.
    def configure
      plugins = Grammar.plugins(text).sort_by.with_index { |plugin, index| [%w[input filter output].index(plugin.type), index] }
      checked = Plugins.new(@log)
      @inputs, @filters, @outputs = [], [], []
      plugins.each { |plugin| add(plugin, checked.configured(plugin)) }
      unless [@inputs, @filters, @outputs].all? { |some| some.size == 1 }
        raise Refused, "the TEST DOUBLE wants one input, one filter and one output in a pipeline"
      end

      @log.info("logstash.javapipeline", "Pipeline `#{@id}` is configured with `pipeline.ecs_compatibility: v8` setting. All plugins in " \
                                         "this pipeline will default to `ecs_compatibility => v8` unless explicitly configured otherwise.")
    end

    # The ids of the plugins by their type.
    def plugin_ids
      { "inputs" => @inputs, "filters" => @filters, "outputs" => @outputs }.transform_values { |some| some.first[:id] }
    end

    def start
      told = { pipeline_id: @id, "pipeline.workers" => 1, "pipeline.batch.size" => batch_size, "pipeline.batch.delay" => batch_delay,
               "pipeline.max_inflight" => batch_size, "pipeline.sources" => files }
      @log.info("logstash.javapipeline", "Starting pipeline", told, pipeline: @id)
      @input = @inputs.first[:made]
      @input.register
      @reader = thread("[#{@id}]<couchdb_changes") { read }
      @worker = thread("[#{@id}]>worker0") { work }
      @log.info("logstash.javapipeline", "Pipeline started", { "pipeline.id" => @id }, pipeline: @id)
    end

    def fail_with(error)
      @error = error
      @failed_at = Time.now.utc
    end

    def stop
      @input&.stop
    end

    def ended?
      !@worker&.alive?
    end

    def missing?
      files.empty?
    end

    private

    def files
      pattern = @settings["path.config"].to_s
      pattern = File.join(pattern, "*") if File.directory?(pattern)
      Dir.glob(pattern).sort
    end

    # Several files are one configuration.
    def text
      files.map { |path| File.read(path, encoding: "UTF-8") }.join("\n")
    end

    def add(plugin, settings)
      id = settings["id"] || "#{plugin.name}_#{@id}"
      place = { pipeline: @id, plugin: id }
      case plugin.type
      when "input" then @inputs << { id: id, made: Input.new(settings, @log, place) }
      when "output" then @outputs << { id: id, made: Output.new(settings, @log, place) }
      else @filters << { id: id, made: script(settings), path: settings["path"] }
      end
    end

    def script(settings)
      made = Script.new(settings["path"], settings["script_params"])
      @log.info("logstash.filters.ruby.script", "Test run complete",
                { script_path: settings["path"], results: { passed: 0, failed: 0, errored: 0 } })
      made
    rescue ScriptError, SystemCallError => e
      raise Refused.new(e.message, e.is_a?(SystemCallError) ? e.class.name.split("::").last : e.class.name)
    end

    def read
      @input.run do |event|
        @queue << event
        @counts[:in] += 1
      end
      @queue.close
    rescue Json::Overflow
      # The Java process halts at once, whatever its other pipelines hold. What it says then was not recorded.
      @log.fatal("org.logstash.Logstash", "uncaught error (in thread #{Thread.current.name}) java.lang.StackOverflowError: null")
      exit!(126)
    end

    def work
      while (first = @queue.pop)
        batch = shape([first, *more])
        next if batch.empty?

        @counts[:output_in] += batch.size
        began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
        @outputs.first[:made].send_batch(batch)
        @counts[:duration] += ((Process.clock_gettime(Process::CLOCK_MONOTONIC) - began) * 1000).to_i
        @counts[:out] += batch.size
      end
    end

    # What else comes within the delay, up to a batch.
    def more
      found = []
      until_time = Process.clock_gettime(Process::CLOCK_MONOTONIC) + batch_delay / 1000.0
      while found.size < batch_size - 1
        begin
          found << @queue.pop(true)
        rescue ThreadError
          break if @queue.closed? || Process.clock_gettime(Process::CLOCK_MONOTONIC) >= until_time

          sleep 0.005
        end
      end
      found
    end

    # A batch is cut before the filter: what that drops makes it shorter.
    def shape(events)
      filter = @filters.first
      shaped = events.flat_map do |event|
        filter[:made].run(event).tap { |_| complain(filter) if filter[:made].raised }
      end
      @counts[:filtered] += events.size
      @counts[:filter_in] += events.size
      @counts[:filter_out] += shaped.size
      shaped
    end

    def complain(filter)
      raised = filter[:made].raised
      @log.error("logstash.filters.ruby", "Could not process event: #{raised.message}",
                 { script_path: filter[:path], class: raised.class.name, backtrace: raised.backtrace.first(1) }, pipeline: @id, plugin: filter[:id])
    end

    def thread(name, &block)
      Thread.new do
        Thread.current.name = name
        Thread.current.abort_on_exception = true
        block.call
      end
    end
  end
end
