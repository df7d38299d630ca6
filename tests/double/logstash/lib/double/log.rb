# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
require "json"

module Double
  # The log, on standard output, in Logstash's two forms.
  class Log
    LEVELS = %w[TRACE DEBUG INFO WARN ERROR FATAL].freeze

    def initialize(form, level)
      @json = form == "json"
      @lowest = LEVELS.index(level.upcase)
      @lock = Mutex.new
    end

    LEVELS.each do |level|
      define_method(level.downcase) { |logger, message, fields = {}, **place| write(level, logger, message, fields, **place) }
    end

    private

    def write(level, logger, message, fields, pipeline: nil, plugin: nil, thread: nil)
      return if LEVELS.index(level) < @lowest

      line = @json ? entry(level, logger, message, fields, pipeline, plugin, thread) : text(level, logger, message, fields, pipeline, plugin)
      @lock.synchronize do
        $stdout.write(line.scrub("?"), "\n")
        $stdout.flush
      end
    end

    # Of fields that include another `message` Logstash writes both, into one object (its setting
    # log.format.json.fix_duplicate_message_fields is off); so do the keys here, a text and a symbol.
    def entry(level, logger, message, fields, pipeline, plugin, thread)
      place = { "pipeline.id" => pipeline, "plugin.id" => plugin }.compact
      JSON.generate({ "level" => level, "loggerName" => logger, "timeMillis" => (Time.now.to_f * 1000).to_i,
                      "thread" => thread || Thread.current.name || "main" }.merge(place, "logEvent" => { "message" => message }.merge(fields)))
    end

    def text(level, logger, message, fields, pipeline, plugin)
      place = [pipeline, plugin].compact.map { |name| "[#{name}]" }.join
      told = fields.empty? ? "" : " {#{fields.map { |name, value| ":#{name}=>#{value.inspect}" }.join(', ')}}"
      format("[%s][%-5s][%-25s]%s %s%s", Time.now.strftime("%Y-%m-%dT%H:%M:%S,%L"), level, logger, place, message, told)
    end
  end
end
