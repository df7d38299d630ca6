# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
require "json"

module Double
  # JSON as Logstash reads and writes it: numbers keep their digits, 1000 levels are the limit.
  module Json
    LEVELS = 1000

    # A number with a point or an exponent, as it was written.
    class Decimal
      def self.try_convert(text)
        new(text)
      end

      def initialize(text)
        @text = text
      end

      def to_json(*)
        @text
      end
    end

    def self.parse(text)
      raise JSON::ParserError, "Invalid UTF-8" unless text.valid_encoding?

      value = JSON.parse(text, max_nesting: LEVELS, decimal_class: Decimal)
      text.match?(/\\u[dD][89a-fA-F]/) ? whole(value) : value
    end

    def self.generate(value)
      JSON.generate(value, max_nesting: 0)
    end

    # Lone surrogates are no characters. Logstash cuts a short text there and puts "?" into a long one; here always "?".
    def self.whole(value)
      case value
      when String then value.scrub("?")
      when Array then value.map { |item| whole(item) }
      when Hash then value.to_h { |key, item| [whole(key), whole(item)] }
      else value
      end
    end
  end
end
