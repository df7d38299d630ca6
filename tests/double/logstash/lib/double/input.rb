# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
require "net/http"
require "openssl"
require "uri"
require "zlib"
require_relative "change"

module Double
  # The couchdb_changes input with its faults:
  # - The position in the file is read once, at the start; an empty file is an empty position.
  # - The file is cut to nothing and written again for each change, before the change is delivered, and never synced.
  # - Whenever the connection is lost or refused, it asks again from the position the request was first made with.
  # - A feed that ends in good order is asked for again at once.
  # - Told to stop it skips what comes and goes on; it ends when a feed ends in good order.
  class Input
    LOGGER = "logstash.inputs.couchdbchanges".freeze
    PAUSE = 1 # seconds before a plugin that failed is run again
    ENCODINGS = "gzip;q=1.0,deflate;q=0.6,identity;q=0.3".freeze # as Net::HTTP asks by itself
    LOST = [Timeout::Error, Errno::EINVAL, Errno::ECONNRESET, EOFError, Errno::EHOSTUNREACH, Errno::ECONNREFUSED,
            Net::HTTPBadResponse, Net::HTTPHeaderSyntaxError, Net::ProtocolError, SocketError].freeze

    # CouchDB's answer is none to read from.
    class Answer < StandardError
      def initialize(words, code)
        super("{:message=>\"#{words}\", :response_code=>\"#{code}\"}")
      end
    end

    def initialize(settings, log, place)
      @settings = settings
      @log = log
      @place = place
      @stopping = false
    end

    def register
      @path = @settings["sequence_path"] || File.join(ENV.fetch("HOME"), ".couchdb_seq")
      if @settings["initial_sequence"]
        @sequence = @settings["initial_sequence"].to_i.to_s
        File.write(@path, @sequence)
      else
        info("No initial_sequence set, reading from filesystem ...", { sequence_path: @path }, plugin: nil)
        @sequence = File.exist?(@path) ? File.read(@path, encoding: "UTF-8").strip : "0"
      end
    end

    # Until it is stopped; gives each event to the block.
    def run(&deliver)
      until @stopping
        begin
          read(&deliver)
        rescue StandardError => e
          unrecoverable(e)
          sleep PAUSE
        end
      end
    end

    def stop
      @stopping = true
    end

    private

    def read(&deliver)
      info("Connecting to CouchDB _changes stream at:", { host: @settings["host"], port: port, db: @settings["db"] })
      uri = address
      info("Using service uri :", { uri: "#<#{uri.class} #{uri}>" })
      @buffer = +"" # kept over reconnects: what a lost connection left of a line spoils the next one
      request(uri, &deliver) until @stopping
    end

    # One answer, in good order; otherwise tried again until there is one, whether it is to stop or not.
    def request(uri, &deliver)
      connect.start do |http|
        get = Net::HTTP::Get.new(uri.request_uri)
        get.basic_auth(@settings["username"], @settings["password"]) if @settings["username"] && @settings["password"]
        get["Accept-Encoding"] = ENCODINGS
        http.request(get) do |answer|
          check(answer.code)
          lines(answer) { |line| change(line, &deliver) }
        end
      end
    rescue Answer => e
      error("Unable to connect to database", { db: @settings["db"], error: e.message })
      retry if reconnect?
    rescue *LOST => e
      error("Connection problem encountered: Retrying connection in #{@settings['reconnect_delay']} seconds...",
            { error: e.message, host: @settings["host"], port: port, db: @settings["db"] })
      retry if reconnect?
    end

    def connect
      http = Net::HTTP.new(@settings["host"], @settings["port"].to_i, nil)
      http.max_retries = 0
      http.use_ssl = @settings["secure"]
      http.ca_file = @settings["ca_file"]
      http
    end

    def check(code)
      words = if code >= "500" then "Server error!"
              elsif code == "401" then "Authentication error!"
              elsif code == "404" then "Database not found!"
              elsif code >= "400" then "Request error!"
              end
      raise Answer.new(words, code) if words
    end

    # Each piece of a compressed feed as it comes, as JRuby does. This Ruby's Net::HTTP would wait until they make 16 kB.
    def lines(answer)
      unpacked = Zlib::Inflate.new(32 + Zlib::MAX_WBITS) if answer["Content-Encoding"]
      answer.read_body do |chunk|
        chunk = unpacked.inflate(chunk) if unpacked
        next if chunk.empty?

        *whole, @buffer = (@buffer << chunk.b).split("\n", -1)
        whole.each do |line|
          break if @stopping

          yield line.force_encoding(Encoding::UTF_8) unless line.strip.empty?
        end
      end
    end

    def change(line, &deliver)
      event = Change.event(line, keep_id: @settings["keep_id"], keep_revision: @settings["keep_revision"])
      return unless event

      deliver.call(event)
      @sequence = event.get("[@metadata][seq]").to_s
      # The pause stands for the time in which the real file is empty: kills found it so again and again.
      File.open(@path, "w") do |file|
        sleep 0.001
        file.write(@sequence)
      end
    rescue JSON::ParserError => e
      # Logstash's parser quotes what it could not read.
      raise e.class, "#{e.message[0, 60]}\n at [Source: (byte[])\"#{line[0, 500]}\"; line: 1, column: #{line.size}]"
    end

    def address
      wait = @settings["timeout"] ? "timeout" : "heartbeat"
      query = URI.encode_www_form("feed" => "continuous", "include_docs" => "true", "since" => @sequence, wait => @settings[wait].to_i)
      kind = @settings["secure"] ? URI::HTTPS : URI::HTTP
      kind.build(host: @settings["host"], port: port, path: "/#{@settings['db']}/_changes", query: query)
    end

    def port
      @settings["port"].to_i.to_s
    end

    def reconnect?
      sleep @settings["reconnect_delay"] if @settings["always_reconnect"]
      @settings["always_reconnect"]
    end

    def unrecoverable(error)
      shown = @settings.map { |name, value| "#{name}=>#{name == 'password' ? '<password>' : value.inspect}" }.join(", ")
      kind = error.is_a?(JSON::ParserError) ? "LogStash::Json::ParserError" : error.class
      @log.error("logstash.javapipeline",
                 "A plugin had an unrecoverable error. Will restart this plugin.\n  Pipeline_id:#{@place[:pipeline]}\n" \
                 "  Plugin: <LogStash::Inputs::CouchDBChanges #{shown}>\n  Error: #{error.message}\n" \
                 "  Exception: #{kind}\n  Stack: #{error.backtrace.first}", **@place)
    end

    def info(message, fields, **place)
      @log.info(LOGGER, message, fields, **@place.merge(place))
    end

    def error(message, fields)
      @log.error(LOGGER, message, fields, **@place)
    end
  end
end
