# The installed shared libraries, linked from the archives: moldau::client (libmoldau_client.so), by
# find_package(moldau) and by pkg-config as moldau-client; moldau::testing, a cluster in memory and the simulator, by
# find_package(moldau COMPONENTS testing) and as moldau-testing.
#
#   cmake --install build/check --component client --prefix /usr/local
#   cmake --install build/check --component testing --prefix /usr/local

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(MOLDAU_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/moldau)

# moldau_shared_library(name OBJECTS a b DEPS c d HEADERS folder NAMESPACE ns ALSO symbols DESCRIPTION text LINKS e):
# libmoldau_<name>.so of all that the archives OBJECTS hold and what they need of the archives DEPS. It exports what
# the headers in HEADERS declare. LINKS names other shared libraries of ours that it stands on.
function(moldau_shared_library name)
  cmake_parse_arguments(arg "" "HEADERS;NAMESPACE;DESCRIPTION" "OBJECTS;DEPS;ALSO;LINKS" ${ARGN})
  set(target moldau_${name}_shared)
  set(map ${CMAKE_CURRENT_BINARY_DIR}/moldau_${name}.map)
  set(archives)
  set(objects)
  foreach(each IN LISTS arg_OBJECTS)
    list(APPEND objects $<TARGET_OBJECTS:moldau_${each}>)
  endforeach()
  foreach(each IN LISTS arg_OBJECTS arg_DEPS)
    list(APPEND archives $<TARGET_FILE:moldau_${each}>)
  endforeach()
  set(also)
  foreach(each IN LISTS arg_ALSO)
    list(APPEND also --also ${each})
  endforeach()
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${arg_HEADERS}/*.hpp)
  set(script ${CMAKE_SOURCE_DIR}/cmake/exports.py)
  list(TRANSFORM arg_OBJECTS PREPEND moldau_)
  list(TRANSFORM arg_DEPS PREPEND moldau_)
  add_custom_command(
    OUTPUT ${map}
    COMMAND Python3::Interpreter -B ${script} --headers ${CMAKE_SOURCE_DIR}/${arg_HEADERS} --namespace ${arg_NAMESPACE}
            --nm ${CMAKE_NM} --version MOLDAU_${PROJECT_VERSION_MAJOR} --out ${map} ${also} ${archives}
    DEPENDS ${script} ${headers} ${arg_OBJECTS} ${arg_DEPS}
    VERBATIM)
  add_custom_target(${target}_map DEPENDS ${map})

  add_library(${target} SHARED ${objects})
  add_dependencies(${target} ${target}_map)
  set_target_properties(${target} PROPERTIES
    OUTPUT_NAME moldau_${name} EXPORT_NAME ${name} VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
    LINKER_LANGUAGE CXX LINK_DEPENDS ${map})
  target_link_options(${target} PRIVATE -Wl,--version-script=${map} -Wl,-z,defs -Wl,--gc-sections)
  foreach(each IN LISTS arg_LINKS)
    target_link_libraries(${target} PUBLIC moldau_${each}_shared)
  endforeach()
  target_link_libraries(${target} PRIVATE ${arg_DEPS})
  target_include_directories(${target} INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_features(${target} INTERFACE cxx_std_23)

  install(TARGETS ${target} EXPORT moldau_${name} COMPONENT ${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
          NAMELINK_COMPONENT ${name})
  install(EXPORT moldau_${name} NAMESPACE moldau:: DESTINATION ${MOLDAU_CMAKE_DIR} COMPONENT ${name})
  set(MOLDAU_PC_NAME ${name})
  file(RELATIVE_PATH MOLDAU_PC_UP "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
  set(MOLDAU_PC_DESCRIPTION ${arg_DESCRIPTION})
  set(MOLDAU_PC_REQUIRES)
  foreach(each IN LISTS arg_LINKS)
    list(APPEND MOLDAU_PC_REQUIRES moldau-${each})
  endforeach()
  configure_file(${CMAKE_SOURCE_DIR}/cmake/moldau.pc.in ${CMAKE_CURRENT_BINARY_DIR}/moldau-${name}.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/moldau-${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
          COMPONENT ${name})
endfunction()

# A sanitized library can't be used outside of this build.
if(MOLDAU_SANITIZE)
  return()
endif()
find_package(Python3 REQUIRED COMPONENTS Interpreter)

moldau_shared_library(client
  OBJECTS client client_factory
  DEPS peer rt_asio wire rt bytes base
  HEADERS include/moldau/client
  NAMESPACE moldau::client
  ALSO moldau::rt::detached_frames::current
  DESCRIPTION "Kafka client: producer, consumer, admin")
install(DIRECTORY include/moldau/core include/moldau/client DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/moldau
        COMPONENT client)
install(DIRECTORY include/moldau_adapters DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT client)
install(FILES LICENSE NOTICE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT client)

# It stands on the client's library: what the simulator runs, and the coroutines of what runs in it, meet in one list.
moldau_shared_library(testing
  OBJECTS fake_broker fake_broker_factory sim
  DEPS rt_asio wire rt bytes base
  HEADERS include/moldau/testing
  NAMESPACE moldau::testing
  LINKS client
  DESCRIPTION "Kafka in memory and a simulator, for tests of programs that use Kafka")
install(DIRECTORY include/moldau/testing DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/moldau COMPONENT testing)

configure_package_config_file(cmake/moldauConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/moldauConfig.cmake
                              INSTALL_DESTINATION ${MOLDAU_CMAKE_DIR})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/moldauConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/moldauConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/moldauConfigVersion.cmake
        DESTINATION ${MOLDAU_CMAKE_DIR} COMPONENT client)
