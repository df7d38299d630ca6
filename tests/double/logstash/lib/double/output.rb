# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
require "net/http"
require "openssl"
require "uri"
require_relative "json"

module Double
  # The http output with json_batch: what fails, or is answered with one of retryable_codes, is sent again without limit;
  # whatever else is no success is logged, and the batch is DROPPED.
  class Output
    LOGGER = "logstash.outputs.http".freeze
    LONGEST = 60

    def initialize(settings, log, place)
      @settings = settings
      @log = log
      @place = place
      @uri = URI(settings["url"])
    end

    def send_batch(events)
      body = Json.generate(events.map(&:payload))
      attempt = 1
      until done?(body)
        pause = pause_of(attempt)
        @log.info(LOGGER, "Retrying http request, will sleep for #{pause} seconds", {}, **@place)
        sleep pause
        attempt += 1
      end
    end

    private

    def done?(body)
      answer = post(body)
      code = answer.code.to_i
      return true if code.between?(200, 299) || @settings["ignorable_codes"].map(&:to_i).include?(code)

      told = { code: code, body: answer.body.to_s.dup.force_encoding(Encoding::UTF_8) }
      if @settings["retry_failed"] && @settings["retryable_codes"].map(&:to_i).include?(code)
        @log.warn(LOGGER, "Encountered a retryable HTTP request in HTTP output, will retry", told, **@place)
        return false
      end
      @log.error(LOGGER, "Encountered non-2xx HTTP code", told.merge(url: @settings["url"]), **@place)
      true
    rescue SystemCallError, SocketError, IOError, Timeout::Error, OpenSSL::SSL::SSLError, Net::ProtocolError, Net::HTTPBadResponse => e
      hang_up
      @log.error(LOGGER, "Could not fetch URL",
                 { url: @settings["url"], method: "post", message: e.message, class: kind(e), will_retry: true }, **@place)
      false
    end

    # As recorded: 0 s, then 2 to 4, 4 to 8, up to a minute.
    def pause_of(attempt)
      square = [attempt**2, LONGEST].min
      square / 2 + rand(0..square) / 2
    end

    def post(body)
      request = Net::HTTP::Post.new(@uri.request_uri)
      request.initialize_http_header("Connection" => "Keep-Alive")
      @settings["headers"].each { |name, value| request[name] = value }
      request["Content-Type"] = @settings["content_type"] || "application/json"
      request["User-Agent"] = "Manticore 0.9.2 (TEST DOUBLE)"
      request["Accept-Encoding"] = "gzip,deflate"
      request.body = body
      connection.request(request)
    end

    # One, used again and again.
    def connection
      return @connection if @connection&.started?

      http = Net::HTTP.new(@uri.host, @uri.port, nil)
      http.use_ssl = @uri.scheme == "https"
      http.ca_file = Array(@settings["ssl_certificate_authorities"]).first
      http.open_timeout = @settings["connect_timeout"]
      http.read_timeout = @settings["socket_timeout"]
      http.keep_alive_timeout = 30
      http.max_retries = 0
      @connection = http.start
    end

    def hang_up
      @connection.finish if @connection&.started?
    rescue IOError
      nil
    ensure
      @connection = nil
    end

    def kind(error)
      case error
      when Timeout::Error then "Manticore::SocketTimeout"
      when OpenSSL::SSL::SSLError then "Manticore::ClientProtocolException"
      else "Manticore::SocketException"
      end
    end
  end
end
