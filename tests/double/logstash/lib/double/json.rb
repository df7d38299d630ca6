# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
require "json"

module Double
  # JSON as Logstash reads and writes it: numbers keep their digits. What its parser (Jackson) does not read ends the input,
  # which is run again at the same change; what overflows its stack ends the process.
  module Json
    LEVELS = 1000
    KEY = 50_000 # characters
    DIGITS = 10_000
    MOST = 10**DIGITS
    OBJECTS = 900 # levels of objects: 700 were read, 950 were not; arrays need less of the stack

    # More levels of objects than the stack has room for.
    class Overflow < Exception # rubocop:disable Lint/InheritException
    end

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
      limits(value) if text.size > DIGITS || text.count("{") > OBJECTS
      text.match?(/\\u[dD][89a-fA-F]/) ? whole(value) : value
    end

    # Raises where Jackson stops. Without recursion: Ruby's own stack is no deeper.
    def self.limits(value)
      rest = [[value, 0]]
      until rest.empty?
        item, objects = rest.pop
        raise Overflow if objects > OBJECTS
        raise JSON::ParserError, "Number value length exceeds the maximum allowed (#{DIGITS})" if item.is_a?(Integer) && item.abs >= MOST

        rest.concat(item.map { |one| [one, objects] }) if item.is_a?(Array)
        next unless item.is_a?(Hash)

        raise JSON::ParserError, "Name length exceeds the maximum allowed (#{KEY})" if item.keys.any? { |key| key.size > KEY }

        rest.concat(item.values.map { |one| [one, objects + 1] })
      end
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
