# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
require_relative "errors"

module Double
  # ${VAR} and ${VAR:default}, from the environment.
  module Variables
    FORM = /\$\{([a-zA-Z_.][a-zA-Z0-9_.]*)(?::([^}]*))?\}/.freeze

    def self.replace(value)
      case value
      when String then value.gsub(FORM) { read(Regexp.last_match) }
      when Array then value.map { |item| replace(item) }
      when Hash then value.transform_values { |item| replace(item) }
      else value
      end
    end

    def self.read(match)
      name, default = match.captures
      return ENV[name].dup.force_encoding(Encoding::UTF_8) if ENV.key?(name)
      return default if default

      raise Refused, "Cannot evaluate `#{match}`. Replacement variable `#{name}` is not defined in a Logstash secret " \
                     "store or as an Environment entry and there is no default value given."
    end
  end
end
